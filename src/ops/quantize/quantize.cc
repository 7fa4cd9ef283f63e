// quantize and dequantize: between f32 and codes, and between layouts on the way.
#include "ops/grids.h"
#include "ops/op_support.h"
#include "steps/convert_steps.h"

namespace skiff::ops {
std::span<const OpDef> quantize_ops();
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

steps::MemoryLayout LayoutOf(const Value* value) {
  return IsNhwc(value) ? steps::MemoryLayout::kNhwc : steps::MemoryLayout::kPlain;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input"}, {"Output"}));
  const bool quantizes = node.type == "quantize";
  const Value* codes = quantizes ? node.Out("Output") : node.In("Input");
  const Value* floats = quantizes ? node.In("Input") : node.Out("Output");
  if (!IsInt8(codes->dtype) || floats->dtype != DType::kFloat32) {
    return InvalidArgument(std::string(quantizes ? "Output" : "Input") + " " + codes->name +
                           " must be int8 or uint8 and " + floats->name + " float32");
  }
  SKIFF_ASSIGN_OR_RETURN(const steps::CodeGrid grid, CodeGridOf(*codes));
  return steps::CheckGrid(grid, codes->name.c_str());
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const Value* in = node.In("Input");
  const Value* out = node.Out("Output");
  const bool quantizes = node.type == "quantize";
  SKIFF_ASSIGN_OR_RETURN(const steps::CodeGrid grid, CodeGridOf(quantizes ? *out : *in));
  const auto make = quantizes ? steps::MakeQuantize : steps::MakeDequantize;
  Lowered lowered;
  SKIFF_ASSIGN_OR_RETURN(lowered.step, make(grid, LayoutOf(in), LayoutOf(out), context.isa));
  lowered.inputs = {in};
  lowered.outputs = {out};
  return lowered;
}

}  // namespace

std::span<const OpDef> quantize_ops() {
  static constexpr OpDef kOps[] = {
      {"quantize", Check, Lower, LayoutRule::kFollow},
      {"dequantize", Check, Lower, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
