// Model: a Graph compiled for one precision and one rung: steps, packed weights, and which step's
// data lie in which storage.
//
// Immutable after Compile and shared by all clones; independent of batch and picture size. Any
// number of runtime::Contexts may run it at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "base/isa.h"
#include "base/status.h"
#include "graph/graph.h"
#include "passes/passes.h"
#include "program/program.h"
#include "skiff/session_types.h"
#include "steps/step.h"

namespace skiff::plan {

struct CompileOptions {
  Precision precision = Precision::kInt8;
  // "name threshold" pairs of a calibration table, used for tensors that have no grid of their own.
  std::vector<std::pair<std::string, double>> thresholds;
  bool fuse = true;           // off: every operator stays visible (for `skiff compare`)
  bool in_place = true;       // off: no step writes over its input (for the same)
  bool fuse_addends = true;   // off: what is added to a convolution's sums is a tensor of its own
  bool join_in_place = true;  // off: what concat joins is written elsewhere and copied
  bool hoist_strides = true;  // off: tensors have the extents that the model says (for the same)
  bool keep_identities = false;  // on: what changes nothing runs too (for calibration, which wants
                                 // every variable under its own name)
  // What a measured search found for this machine and number of threads; null: nothing.
  std::shared_ptr<const steps::KernelChoices> choices;
  // Operator types that may run in integers; empty: all (passes::PlaceInt8).
  std::vector<std::string> int8_types;
  // The float layers of kInt8 and kFp32 multiply bfloat16, as those of kBf16 do. This and kBf16 are
  // for CPUs where onednn::MultipliesBfloat16.
  bool bfloat16 = false;
  // Operator types that may do so; empty: all (passes::PlaceBfloat16).
  std::vector<std::string> bfloat16_types;
  // kSimulate: residual tensors to round as a kInt8 model of the same program carries them.
  std::vector<passes::CarriedSkip> round_skips;
};

// A tensor of the compiled model.
struct ValueInfo {
  std::string name;  // Paddle's variable
  DType dtype = DType::kFloat32;
  graph::Layout layout = graph::Layout::kPlain;
  std::optional<graph::Grid> grid;
  int storage = -1;  // -1: a constant
  // The value that a concat joins of this one's channels and others', where this one is written
  // into it; else -1.
  int part_of = -1;
  std::shared_ptr<const AlignedBuffer> constant;
  steps::TensorShape constant_shape;
};

// Memory that one or more values share, one after the other or under different shapes.
struct Storage {
  int first_step = 0;  // written from
  int last_step = 0;   // read until; steps.size() for outputs of the model
};

struct PlannedStep {
  std::unique_ptr<steps::Step> step;
  std::vector<int> inputs;  // indices into values
  std::vector<int> outputs;
  steps::StepInfo info;
};

struct Model {
  std::vector<PlannedStep> steps;
  std::vector<ValueInfo> values;
  std::vector<Storage> storages;
  std::vector<int> inputs;  // values, in the order of the API
  std::vector<int> outputs;
  std::vector<TensorInfo> input_infos;
  std::vector<TensorInfo> output_infos;
  Precision precision = Precision::kInt8;
  Isa isa = Isa::kScalar;
  std::vector<passes::CarriedSkip> skips;
};

// Runs the passes for the precision, chooses kernels and packs weights. Errors name every operator
// that is unsupported.
Result<std::shared_ptr<const Model>> Compile(const program::Program& program,
                                             const CompileOptions& options);

// The passes alone: the graph that Compile lowers (for tests and dumps).
Result<std::unique_ptr<graph::Graph>> Optimise(const program::Program& program,
                                               const CompileOptions& options,
                                               std::vector<passes::CarriedSkip>* skips);

}  // namespace skiff::plan
