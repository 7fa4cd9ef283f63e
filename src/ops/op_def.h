// OpDef: all that the rest of Skiff knows of an operator. An operator is one folder; its only
// public symbol is `std::span<const OpDef> <folder>_ops()`, and the build collects those into the
// registry. Adding an operator is adding a folder.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/isa.h"
#include "base/status.h"
#include "graph/graph.h"
#include "steps/step.h"

namespace skiff::ops {

struct LowerContext {
  const graph::Graph& graph;
  const graph::Node& node;
  Isa isa;                                                   // the rung that own kernels may use
  std::shared_ptr<const steps::KernelChoices> choices = {};  // null: cost models decide
};

// A step and the values bound to its inputs and outputs, in the step's own order. Constants that
// the step packed or copied are left out; constants that are listed are bound like any buffer.
struct Lowered {
  std::unique_ptr<steps::Step> step;
  std::vector<const graph::Value*> inputs;
  std::vector<const graph::Value*> outputs;
};

// How an operator stands to the memory layout of 4-D values.
enum class LayoutRule {
  kPlain,   // reads and writes NCHW
  kNhwc,    // wants its 4-D activations NHWC
  kFollow,  // writes the layout that it reads; takes NHWC when accepts_nhwc says so
};

struct OpDef {
  std::string_view name;  // Paddle's operator type
  // Attributes and slots are legal and supported: called for every node when a model is loaded, so
  // that all that is unsupported is reported at once. The message needs no node name.
  Status (*check)(const graph::Graph& graph, const graph::Node& node);
  Result<Lowered> (*lower)(const LowerContext& context);
  LayoutRule layout = LayoutRule::kPlain;
  // For kFollow: may this node run with all its 4-D activations in NHWC? Null: yes.
  bool (*accepts_nhwc)(const graph::Node& node) = nullptr;
  // May the output Out, a float by Paddle's rules, be codes on a grid? It is rounded on the way.
  bool writes_codes = false;
};

// Null when no folder has it.
const OpDef* FindOp(std::string_view type);
std::vector<const OpDef*> AllOps();

// Status of a slot that must be there: "slot Filter is missing".
Status RequireSlots(const graph::Node& node, std::initializer_list<std::string_view> inputs,
                    std::initializer_list<std::string_view> outputs);

}  // namespace skiff::ops
