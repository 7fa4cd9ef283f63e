#include "quant/refine/output_bias.h"

#include <algorithm>
#include <cmath>

namespace skiff::quant {
namespace {

using program::OpDesc;
using program::Program;

int Readers(const Program& program, std::string_view name) {
  int readers = 0;
  for (const OpDesc& op : program.blocks[0].ops) {
    for (const program::Argument& argument : op.inputs) {
      readers += static_cast<int>(std::count(argument.names.begin(), argument.names.end(), name));
    }
  }
  return readers;
}

const OpDesc* OnlyReader(const Program& program, const std::string& name) {
  if (name.empty() || Readers(program, name) != 1) return nullptr;
  for (const OpDesc& op : program.blocks[0].ops) {
    for (const program::Argument& argument : op.inputs) {
      if (std::find(argument.names.begin(), argument.names.end(), name) != argument.names.end()) {
        return &op;
      }
    }
  }
  return nullptr;
}

// A parameter that holds one float for each channel and that nothing else reads.
std::span<const float> OwnVector(const Program& program, std::string_view name, int64_t channels) {
  const auto param = program.params.find(std::string(name));
  if (param == program.params.end() || param->second.dtype != DType::kFloat32) return {};
  const std::span<const float> values = param->second.As<float>();
  if (static_cast<int64_t>(values.size()) != channels || Readers(program, name) != 1) return {};
  return values;
}

float Epsilon(const OpDesc& op) {
  const program::Attribute* attribute = program::FindAttribute(op.attributes, "epsilon");
  const float* value = attribute != nullptr ? std::get_if<float>(&attribute->value) : nullptr;
  return value != nullptr ? *value : 1e-5F;
}

}  // namespace

std::optional<OutputBias> FindOutputBias(const Program& program, const Layer& layer,
                                         int64_t channels) {
  const auto count = static_cast<size_t>(channels);
  const std::string own(OnlyName(program.blocks[0].ops[layer.op].inputs, "Bias"));
  if (!OwnVector(program, own, channels).empty()) {
    return OutputBias{own, std::vector<float>(count, 1.0F), true};
  }
  const OpDesc* reader = OnlyReader(program, layer.output);
  if (reader == nullptr || FetchedNames(program).contains(layer.output)) return std::nullopt;
  if (reader->type == "elementwise_add" && OnlyName(reader->inputs, "X") == layer.output) {
    const std::string added(OnlyName(reader->inputs, "Y"));
    if (OwnVector(program, added, channels).empty()) return std::nullopt;
    return OutputBias{added, std::vector<float>(count, 1.0F), false};
  }
  if (reader->type != "batch_norm") return std::nullopt;
  const std::string shift(OnlyName(reader->inputs, "Bias"));
  const auto scale = OwnVector(program, OnlyName(reader->inputs, "Scale"), channels);
  const auto variance = OwnVector(program, OnlyName(reader->inputs, "Variance"), channels);
  if (OwnVector(program, shift, channels).empty() || scale.empty() || variance.empty()) {
    return std::nullopt;
  }
  OutputBias bias{shift, std::vector<float>(count), false};
  const float epsilon = Epsilon(*reader);
  for (size_t c = 0; c < count; ++c) bias.gain[c] = scale[c] / std::sqrt(variance[c] + epsilon);
  return bias;
}

}  // namespace skiff::quant
