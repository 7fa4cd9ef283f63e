#include "quant/convert/quantizer_ops.h"

#include <algorithm>
#include <cmath>

#include "program/attributes.h"

namespace skiff::quant {
namespace {

using program::AttributeReader;
using program::OpDesc;

constexpr double kMaxCode = 127;

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

}  // namespace

bool IsQuantize(const OpDesc& op) {
  return IsOneOf(op.type, {"fake_quantize_range_abs_max", "fake_quantize_moving_average_abs_max"});
}

bool IsQuantizeDequantize(const OpDesc& op) {
  return op.type == "fake_quantize_dequantize_moving_average_abs_max";
}

bool IsAbsMaxQuantizeDequantize(const OpDesc& op) {
  return IsOneOf(op.type, {"fake_channel_wise_quantize_dequantize_abs_max",
                           "fake_quantize_dequantize_abs_max"});
}

bool IsOutputDequantize(const OpDesc& op) {
  return IsOneOf(op.type, {"fake_channel_wise_dequantize_max_abs", "fake_dequantize_max_abs"});
}

bool IsLinear(const OpDesc& op) {
  return IsOneOf(op.type, {"quantize_linear", "dequantize_linear"});
}

bool IsQuantizer(const OpDesc& op) {
  return IsQuantize(op) || IsQuantizeDequantize(op) || IsAbsMaxQuantizeDequantize(op) ||
         IsOutputDequantize(op) || IsLinear(op);
}

Status CheckBits(const OpDesc& op) {
  AttributeReader attributes(op.attributes);
  const int64_t bits = attributes.Int("bit_length", 8);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (bits == 8) return OkStatus();
  return Unsupported("bit_length " + std::to_string(bits) + ", only 8 is supported");
}

int32_t FakeRoundType(const OpDesc& op) {
  return AttributeReader(op.attributes).Int("round_type", 1) == 1 ? 1 : 0;
}

Result<std::vector<float>> Thresholds(const Params& params, const std::string& scale) {
  const auto it = params.find(scale);
  if (it == params.end() || it->second.dtype != DType::kFloat32) {
    return Corruption("scale " + scale + " is not a float parameter of the model");
  }
  const std::span<const float> values = it->second.As<float>();
  if (values.empty()) return Corruption("scale " + scale + " is empty");
  for (const float s : values) {
    if (std::isfinite(s) && s >= 0) continue;
    return Corruption("scale " + scale + " holds " + std::to_string(s));
  }
  return std::vector<float>(values.begin(), values.end());
}

Result<std::vector<float>> WeightThresholds(const Params& params, const OpDesc& dequantizer) {
  AttributeReader attributes(dequantizer.attributes);
  if (dequantizer.type == "fake_dequantize_max_abs") {
    // max_range = 127 * 127 / threshold (docs/formats.md).
    const double max_range = attributes.Float("max_range", 0);
    if (!(max_range > 0)) return Corruption("max_range of its dequantiser is not positive");
    return std::vector<float>{static_cast<float>(kMaxCode * kMaxCode / max_range)};
  }
  const program::Argument* scales = program::FindArgument(dequantizer.inputs, "Scales");
  if (scales == nullptr || scales->names.empty()) {
    return Corruption("its dequantiser has no Scales");
  }
  for (const int64_t bits : attributes.Ints("quant_bits", {8})) {
    if (bits != 8) return Unsupported("quant_bits " + std::to_string(bits));
  }
  return Thresholds(params, scales->names[0]);
}

bool HasRange(const OpDesc& op, const std::string& x) {
  return AttributeReader(op.attributes).Has(x + ".max");
}

float TakeRange(OpDesc* op, const std::string& x) {
  AttributeReader attributes(op->attributes);
  const float threshold = std::fmax(std::fabs(attributes.Float(x + ".min", 0)),
                                    std::fabs(attributes.Float(x + ".max", 0)));
  std::erase_if(op->attributes, [](const program::Attribute& attribute) {
    return attribute.name.ends_with(".min") || attribute.name.ends_with(".max");
  });
  return threshold;
}

}  // namespace skiff::quant
