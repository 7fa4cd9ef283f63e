#include "quant/convert/convert_weights.h"

#include "quant/convert/stored_weights.h"

namespace skiff::quant {

std::string NewNames::Make(std::string name) {
  while (!taken_.insert(name).second) name += "_";
  made_.insert(name);
  return name;
}

std::string AddZeroPoint(Editor* editor, NewNames* names, const std::string& of, int64_t scales) {
  std::string name = names->Make(of + "@zero_point");
  editor->SetParam(name, DType::kInt32, {scales},
                   std::vector<int32_t>(static_cast<size_t>(scales), 0));
  return name;
}

void ConvertedWeights::AddLinear(const std::string& param, const std::string& as_float,
                                 QuantizedWeight codes) {
  Store(as_float, {param, std::move(codes), false, {}});
}

void ConvertedWeights::AddFake(const std::string& param, const std::string& as_float,
                               QuantizedWeight codes) {
  Store(as_float, {param, std::move(codes), true, {}});
  AppendDequantize(as_float);
}

Result<std::string> ConvertedWeights::Add(const std::string& param, QuantizedWeight codes,
                                          bool was_float) {
  std::string& as_float = by_param_[param];
  if (as_float.empty()) {
    as_float = names_->Make(param + ".quantized.dequantized");
    Store(as_float, {param, std::move(codes), was_float, {}});
    AppendDequantize(as_float);
  } else if (weights_.at(as_float).codes.thresholds != codes.thresholds) {
    return Unsupported("weight " + param + " has other scales for another operator");
  }
  return as_float;
}

std::string ConvertedWeights::FloatCopy(const std::string& as_float) {
  Weight& weight = weights_.at(as_float);
  if (!weight.float_copy.empty()) return weight.float_copy;
  weight.float_copy = names_->Make(weight.param + ".float");
  const program::Tensor& stored = stored_.at(weight.param);
  std::vector<float> values;
  if (weight.was_float) {
    values.assign(stored.As<float>().begin(), stored.As<float>().end());
  } else {
    values = FromCodes(stored, weight.codes);
  }
  editor_->SetParam(weight.float_copy, DType::kFloat32, stored.dims, values);
  return weight.float_copy;
}

void ConvertedWeights::Store(const std::string& as_float, Weight weight) {
  editor_->SetParam(weight.param, DType::kInt8, stored_.at(weight.param).dims, weight.codes.codes);
  weights_.insert_or_assign(as_float, std::move(weight));
}

void ConvertedWeights::AppendDequantize(const std::string& as_float) {
  const Weight& weight = weights_.at(as_float);
  const auto channels = static_cast<int64_t>(weight.codes.thresholds.size());
  const std::string scale = names_->Make(weight.param + "@scale");
  editor_->SetParam(scale, DType::kFloat32, {channels}, weight.codes.thresholds);
  editor_->AddVarLike(as_float, weight.param, DType::kFloat32);
  editor_->ops.push_back(MakeLinearOp(
      "dequantize_linear", {.x = weight.param,
                            .scale = scale,
                            .zero_point = AddZeroPoint(editor_, names_, as_float, channels),
                            .y = as_float,
                            .axis = weight.codes.axis}));
}

}  // namespace skiff::quant
