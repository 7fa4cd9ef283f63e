#include <algorithm>
#include <limits>

#include "quant/edit.h"
#include "quant/export.h"

namespace skiff::quant {
namespace {

using program::AttrType;
using program::OpDesc;

void SetRange(const std::string& name, const TensorRange& range, OpDesc* op) {
  SetAttribute(op, name + ".min", AttrType::kFloat, range.least);
  SetAttribute(op, name + ".max", AttrType::kFloat, range.most);
}

// Of each channel.
void SetWeightRange(const Layer& layer, const program::Tensor& weight, OpDesc* op) {
  const auto [channels, inner] = LayoutOfChannels(weight, layer.axis);
  std::vector<float> least(channels, std::numeric_limits<float>::infinity());
  std::vector<float> most(channels, -std::numeric_limits<float>::infinity());
  const std::span<const float> w = weight.As<float>();
  for (size_t i = 0; i < w.size(); ++i) {
    const size_t channel = i / inner % channels;
    least[channel] = std::min(least[channel], w[i]);
    most[channel] = std::max(most[channel], w[i]);
  }
  SetAttribute(op, layer.weight + ".min", AttrType::kFloats, std::move(least));
  SetAttribute(op, layer.weight + ".max", AttrType::kFloats, std::move(most));
}

}  // namespace

void ExportMinMax(const Quantized& quantized, program::Program* program) {
  const std::map<size_t, const Layer*> by_op = QuantizedByOp(quantized.layers);
  std::vector<OpDesc>& ops = program->blocks[0].ops;
  for (size_t i = 0; i < ops.size(); ++i) {
    const auto output = quantized.ranges.find(OnlyName(ops[i].outputs, ObservedSlot(ops[i].type)));
    if (output != quantized.ranges.end()) {
      SetAttribute(&ops[i], "out_min", AttrType::kFloat, output->second.least);
      SetAttribute(&ops[i], "out_max", AttrType::kFloat, output->second.most);
      SetAttribute(&ops[i], "with_quant_attr", AttrType::kBoolean, true);
    }
    const auto layer = by_op.find(i);
    if (layer == by_op.end()) continue;
    const Layer& rounded = *layer->second;
    SetRange(rounded.activation, quantized.ranges.at(rounded.activation), &ops[i]);
    SetWeightRange(rounded, program->params.at(rounded.weight), &ops[i]);
    SetAttribute(&ops[i], "quantization_type", AttrType::kString, std::string("post_min_max"));
  }
}

}  // namespace skiff::quant
