#include <algorithm>
#include <cctype>
#include <set>

#include "quant/edit.h"
#include "quant/export.h"

namespace skiff::quant {
namespace {

using program::AttrType;
using program::OpDesc;

constexpr int32_t kBits = 8;
constexpr float kMaxCode = 127;

class FakeExport {
 public:
  FakeExport(const Quantized& quantized, const QuantizeOptions& options, program::Program* program)
      : quantized_(quantized),
        options_(options),
        editor_(program),
        program_(program),
        by_op_(QuantizedByOp(quantized.layers)),
        fetched_(FetchedNames(*program)) {}

  void Run() {
    const std::vector<OpDesc>& ops = program_->blocks[0].ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      OpDesc op = ops[i];
      const auto layer = by_op_.find(i);
      if (layer != by_op_.end()) {
        Round(layer->second->activation);
        RenameInput(&op, layer->second->activation, layer->second->activation + ".quantized");
      }
      const auto others = quantized_.other_inputs.find(i);
      if (others != quantized_.other_inputs.end()) RoundInputs(others->second, &op);
      for (const auto& [from, to] : renamed_) RenameInput(&op, from, to);
      SetThresholds(layer == by_op_.end() ? nullptr : layer->second, &op);
      if (layer == by_op_.end()) {
        editor_.ops.push_back(std::move(op));
        continue;
      }
      StoreWeight(*layer->second);
      Dequantize(*layer->second, &op);
    }
    editor_.Finish();
  }

 private:
  float Threshold(const std::string& name) const {
    return static_cast<float>(quantized_.ranges.find(name)->second.threshold);
  }

  void Round(const std::string& name) {
    AddQuantizer("fake_quantize_" + options_.activation_quantize_type, name, name + ".quantized",
                 name + "@scale");
  }

  // Of an operator without a weight: to codes and back at once.
  void RoundInputs(const std::vector<std::string>& names, OpDesc* op) {
    for (const std::string& name : names) {
      const std::string out = name + ".quant_dequant";
      AddQuantizer("fake_quantize_dequantize_moving_average_abs_max", name, out, out + "@scale");
      RenameInput(op, name, out);
    }
    SetAttribute(op, "quantization_type", AttrType::kString, QuantizationType());
    SetAttribute(op, "activation_bits", AttrType::kInt, kBits);
    SetAttribute(op, "with_quant_attr", AttrType::kBoolean, true);
  }

  void AddQuantizer(const std::string& type, const std::string& name, const std::string& out,
                    const std::string& scale) {
    if (!rounded_.insert(out).second) return;
    const auto now = renamed_.find(name);
    editor_.AddVarLike(out, name);
    editor_.SetParam(scale, DType::kFloat32, {1}, std::vector<float>{Threshold(name)});
    const bool given = type != "fake_quantize_abs_max";
    Slots inputs = {{"X", {now == renamed_.end() ? name : now->second}}};
    if (given) inputs.push_back({"InScale", {scale}});
    OpDesc op = MakeOp(type, inputs, {{"Out", {out}}, {"OutScale", {scale}}});
    SetAttribute(&op, "bit_length", AttrType::kInt, kBits);
    SetAttribute(&op, "is_test", AttrType::kBoolean, true);
    SetAttribute(&op, "round_type", AttrType::kInt, int32_t{1});
    editor_.ops.push_back(std::move(op));
  }

  void StoreWeight(const Layer& layer) {
    if (!stored_.insert(layer.weight).second) return;
    const QuantizedWeight& weight = quantized_.weights.at(layer.weight);
    const std::vector<float> values(weight.codes.begin(), weight.codes.end());
    editor_.SetParam(layer.weight, DType::kFloat32, program_->params.at(layer.weight).dims, values);
  }

  // The operator and, behind it, what turns its sums of codes into real values. An output of the
  // model keeps its name.
  void Dequantize(const Layer& layer, OpDesc* op) {
    const bool keep = fetched_.contains(layer.output);
    const std::string sums = keep ? layer.output + ".quantized.sum" : layer.output;
    const std::string real = keep ? layer.output : layer.output + ".dequantized";
    editor_.AddVarLike(keep ? sums : real, layer.output);
    if (keep) {
      for (program::Argument& argument : op->outputs) {
        std::replace(argument.names.begin(), argument.names.end(), layer.output, sums);
      }
    } else {
      renamed_[layer.output] = real;
    }
    editor_.ops.push_back(std::move(*op));
    editor_.ops.push_back(DequantizeOp(layer, sums, real));
  }

  OpDesc DequantizeOp(const Layer& layer, const std::string& sums, const std::string& real) {
    const QuantizedWeight& weight = quantized_.weights.at(layer.weight);
    const std::string activation = layer.activation + "@scale";
    if (weight.axis < 0) {
      OpDesc op = MakeOp("fake_dequantize_max_abs", {{"X", {sums}}, {"Scale", {activation}}},
                         {{"Out", {real}}});
      SetAttribute(&op, "max_range", AttrType::kFloat, kMaxCode * kMaxCode / weight.thresholds[0]);
      return op;
    }
    const std::string scales = "channel_scale_" + std::to_string(channel_scales_++);
    editor_.SetParam(scales, DType::kFloat32, {static_cast<int64_t>(weight.thresholds.size())},
                     weight.thresholds);
    OpDesc op = MakeOp("fake_channel_wise_dequantize_max_abs",
                       {{"X", {sums}}, {"Scales", {scales, activation}}}, {{"Out", {real}}});
    SetAttribute(&op, "quant_bits", AttrType::kInts, std::vector<int32_t>{kBits, kBits});
    SetAttribute(&op, "quant_axis", AttrType::kInt, int32_t{weight.axis});
    SetAttribute(&op, "x_num_col_dims", AttrType::kInt, ColumnDims(layer));
    return op;
  }

  // The axis of the output that the channels lie on.
  int32_t ColumnDims(const Layer& layer) const {
    if (layer.slots->activation != "X") return 1;
    const program::VarDesc* out = editor_.FindVar(layer.output);
    return out != nullptr && out->dims.size() > 1 ? static_cast<int32_t>(out->dims.size()) - 1 : 1;
  }

  [[nodiscard]] std::string QuantizationType() const {
    std::string type = "post_" + std::string(Name(options_.algo));
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return type;
  }

  // `layer`: null when the operator stays float.
  void SetThresholds(const Layer* layer, OpDesc* op) const {
    const std::string_view observed = ObservedSlot(op->type);
    const std::string output(OnlyName(op->outputs, observed));
    const bool known = quantized_.ranges.contains(output);
    if (known) {
      const float threshold = Threshold(output);
      SetAttribute(op, "out_threshold", AttrType::kFloat, threshold);
      SetAttribute(op, std::string(observed) + "0_threshold", AttrType::kFloat, threshold);
      SetAttribute(op, "with_quant_attr", AttrType::kBoolean, true);
    }
    if (layer == nullptr) return;
    SetAttribute(op, "quantization_type", AttrType::kString, QuantizationType());
    SetAttribute(op, "bit_length", AttrType::kInt, kBits);
    SetAttribute(op, std::string(layer->slots->activation) + "0_threshold", AttrType::kFloat,
                 Threshold(layer->activation));
  }

  const Quantized& quantized_;
  const QuantizeOptions& options_;
  Editor editor_;
  program::Program* program_;
  std::map<size_t, const Layer*> by_op_;
  std::set<std::string> fetched_;
  std::set<std::string> rounded_;  // variables that quantisers write
  std::set<std::string> stored_;
  std::map<std::string, std::string> renamed_;
  int channel_scales_ = 0;
};

}  // namespace

void ExportFake(const Quantized& quantized, const QuantizeOptions& options,
                program::Program* program) {
  FakeExport(quantized, options, program).Run();
}

}  // namespace skiff::quant
