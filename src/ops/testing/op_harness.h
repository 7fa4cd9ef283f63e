// OpHarness: a graph of one operator, lowered and run, for tests of operator folders.
//
// Arrays are given and returned in the logical order (NCHW); 4-D activations of operators that want
// NHWC are converted on the way in and out, as the layout pass and its steps do in a plan.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/op_def.h"
#include "steps/testing/step_runner.h"

namespace skiff::ops::testing {

using steps::testing::Array;

// Uniform in [low, high).
inline Array Noise(const Dims& dims, unsigned seed, float low = -1, float high = 1) {
  Array array(DType::kFloat32, dims);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  for (float& v : array.As<float>()) v = uniform(generator);
  return array;
}

// The same elements in the other layout: NCHW -> NHWC, or back. Extents stay N, C, H, W.
inline Array ConvertLayout(const Array& from, bool to_nhwc) {
  Array to(from.dtype(), from.dims());
  const Dims& d = from.dims();
  const size_t size = SizeOf(from.dtype());
  for (int64_t i = 0; i < d.Numel(); ++i) {
    const int64_t x = i % d[3], y = i / d[3] % d[2], c = i / (d[3] * d[2]) % d[1],
                  n = i / (d[3] * d[2] * d[1]);
    const int64_t nhwc = ((n * d[2] + y) * d[3] + x) * d[1] + c;
    std::memcpy(
        static_cast<std::byte*>(to.data()) + static_cast<size_t>(to_nhwc ? nhwc : i) * size,
        static_cast<const std::byte*>(from.data()) + static_cast<size_t>(to_nhwc ? i : nhwc) * size,
        size);
  }
  return to;
}

class OpHarness {
 public:
  explicit OpHarness(std::string_view type)
      : graph_(std::make_unique<graph::Graph>()),
        node_(graph_->AddNode(std::string(type), "node")) {}

  graph::Node& node() { return *node_; }

  graph::Value* Input(std::string_view slot, const Array& array,
                      std::optional<graph::Grid> grid = {}) {
    graph::Value* value = AddValue(slot, array.dtype(), array.dims());
    value->grid = std::move(grid);
    graph_->AddInput(node_, slot, value);
    graph_->inputs.push_back(value);
    arrays_[value] = array;
    return value;
  }
  graph::Value* Constant(std::string_view slot, const Array& array,
                         std::optional<graph::Grid> grid = {}) {
    auto owner = std::make_shared<const Array>(array);
    auto tensor = std::make_shared<program::Tensor>();
    tensor->dtype = array.dtype();
    tensor->dims.assign(array.dims().span().begin(), array.dims().span().end());
    tensor->data = {owner, {static_cast<const std::byte*>(owner->data()), array.bytes()}};
    graph::Value* value = graph_->AddConstant(std::string(slot), std::move(tensor));
    value->grid = std::move(grid);
    graph_->AddInput(node_, slot, value);
    arrays_[value] = array;
    return value;
  }
  graph::Value* Output(std::string_view slot, DType dtype = DType::kFloat32,
                       std::optional<graph::Grid> grid = {}) {
    graph::Value* value = AddValue(slot, dtype, Dims());
    value->grid = std::move(grid);
    graph_->AddOutput(node_, slot, value);
    return value;
  }

  void Set(std::string_view name, bool v) { Set(name, program::AttrType::kBoolean, v); }
  void Set(std::string_view name, int v) { Set(name, program::AttrType::kInt, int32_t{v}); }
  void Set(std::string_view name, float v) { Set(name, program::AttrType::kFloat, v); }
  void Set(std::string_view name, const char* v) {
    Set(name, program::AttrType::kString, std::string(v));
  }
  void Set(std::string_view name, std::vector<int32_t> v) {
    Set(name, program::AttrType::kInts, std::move(v));
  }
  void Set(std::string_view name, program::AttrType type, program::AttrValue value) {
    node_->SetAttribute(name, type, std::move(value));
  }

  // Check and lower once, then Run as often as wanted.
  Status Lower(std::optional<Isa> isa = {}) {
    const OpDef* op = FindOp(node_->type);
    if (op == nullptr) return NotFound("no operator " + node_->type);
    nhwc_ = op->layout == LayoutRule::kNhwc;
    SKIFF_RETURN_IF_ERROR(op->check(*graph_, *node_));
    SetLayouts();
    if (!isa) {
      SKIFF_ASSIGN_OR_RETURN(isa, SelectIsa());
    }
    SKIFF_ASSIGN_OR_RETURN(lowered_, op->lower({*graph_, *node_, *isa}));
    return OkStatus();
  }
  // The outputs that the step writes, in its order.
  Result<std::vector<Array>> Run(int threads = 1, bool in_place = false) {
    std::vector<Array> inputs;
    for (const graph::Value* value : lowered_.inputs) {
      const bool convert = value->layout == graph::Layout::kNhwc;
      inputs.push_back(convert ? ConvertLayout(arrays_.at(value), true) : arrays_.at(value));
    }
    std::vector<DType> types;
    for (const graph::Value* value : lowered_.outputs) types.push_back(value->dtype);
    steps::testing::StepRunner runner(*lowered_.step, threads);
    runner.in_place = in_place;
    SKIFF_ASSIGN_OR_RETURN(std::vector<Array> outputs, runner.Run(inputs, types));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (lowered_.outputs[i]->layout == graph::Layout::kNhwc && outputs[i].dims().rank() == 4) {
        outputs[i] = ConvertLayout(outputs[i], false);
      }
    }
    return outputs;
  }
  Result<Array> LowerAndRun(int threads = 1) {
    SKIFF_RETURN_IF_ERROR(Lower());
    SKIFF_ASSIGN_OR_RETURN(std::vector<Array> outputs, Run(threads));
    return std::move(outputs[0]);
  }
  [[nodiscard]] const steps::Step& step() const { return *lowered_.step; }

 private:
  graph::Value* AddValue(std::string_view name, DType dtype, const Dims& dims) {
    return graph_->AddValue(std::string(name), dtype, {dims.span().begin(), dims.span().end()});
  }
  void SetLayouts() {
    if (!nhwc_) return;
    for (graph::Value& value : graph_->values()) {
      const bool output = value.producer != nullptr;
      if (value.constant || (!output && value.dims.size() != 4)) continue;
      // A float input that is rounded on the way is taken as it is.
      const bool stem =
          !output &&
          node_->inputs[static_cast<size_t>(value.uses[0].slot)].edges[0].grid.has_value();
      value.layout = stem ? graph::Layout::kPlain : graph::Layout::kNhwc;
    }
  }

  std::unique_ptr<graph::Graph> graph_;
  graph::Node* node_;
  bool nhwc_ = false;
  std::map<const graph::Value*, Array> arrays_;
  Lowered lowered_;
};

}  // namespace skiff::ops::testing
