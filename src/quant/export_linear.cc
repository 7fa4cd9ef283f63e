#include <algorithm>
#include <set>

#include "program/own_attributes.h"
#include "quant/edit.h"
#include "quant/export.h"

namespace skiff::quant {
namespace {

using program::AttrType;
using program::OpDesc;

class LinearExport {
 public:
  LinearExport(const Quantized& quantized, program::Program* program)
      : quantized_(quantized),
        editor_(program),
        program_(program),
        by_op_(QuantizedByOp(quantized.layers)),
        fetched_(FetchedNames(*program)) {
    for (const auto& [op, layer] : by_op_) rounded_.insert(layer->activation);
    for (const auto& [op, names] : quantized.other_inputs) {
      rounded_.insert(names.begin(), names.end());
    }
  }

  void Run() {
    const std::vector<OpDesc>& ops = program_->blocks[0].ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      OpDesc op = ops[i];
      const auto layer = by_op_.find(i);
      if (layer != by_op_.end()) {
        RoundActivation(layer->second->activation);
        StoreWeight(*layer->second);
        SetAttribute(&op, "quantization_type", AttrType::kString, std::string("qat_with_weight"));
        RenameInput(&op, layer->second->activation, layer->second->activation + kBoth);
        RenameInput(&op, layer->second->weight, layer->second->weight + kBoth);
      }
      const auto others = quantized_.other_inputs.find(i);
      if (others != quantized_.other_inputs.end()) RoundInputs(others->second, &op);
      if (op.type != "fetch") {
        for (const std::string& name : observed_) RenameInput(&op, name, name + kBoth);
      }
      editor_.ops.push_back(op);
      Observe(op);
    }
    editor_.Finish();
  }

 private:
  static constexpr const char* kBoth = ".quantized.dequantized";

  // quantize_linear and dequantize_linear of an activation.
  void AddPair(const std::string& name, bool observer) {
    const auto range = quantized_.ranges.find(name);
    const std::string codes = name + ".quantized";
    const std::string scale = name + "@scale";
    const std::string zero = codes + "@zero_point";
    editor_.AddVarLike(codes, name);
    editor_.AddVarLike(name + kBoth, name);
    editor_.SetParam(scale, DType::kFloat32, {1},
                     std::vector<float>{static_cast<float>(range->second.threshold)});
    editor_.SetParam(zero, DType::kInt32, {1}, std::vector<int32_t>{0});
    editor_.ops.push_back(MakeLinearOp(
        "quantize_linear",
        {.x = name, .scale = scale, .zero_point = zero, .y = codes, .only_observer = observer}));
    editor_.ops.push_back(MakeLinearOp("dequantize_linear", {.x = codes,
                                                             .scale = scale,
                                                             .zero_point = zero,
                                                             .y = name + kBoth,
                                                             .only_observer = observer}));
    if (observer || range->second.codes != kFullRangeCodes) return;
    for (size_t i = editor_.ops.size() - 2; i < editor_.ops.size(); ++i) {
      SetAttribute(&editor_.ops[i], program::kFullRange, AttrType::kBoolean, true);
    }
  }

  void RoundActivation(const std::string& name) {
    if (done_.insert(name).second) AddPair(name, false);
  }

  // Of an operator without a weight.
  void RoundInputs(const std::vector<std::string>& names, OpDesc* op) {
    for (const std::string& name : names) {
      RoundActivation(name);
      RenameInput(op, name, name + kBoth);
    }
    SetAttribute(op, "quantization_type", AttrType::kString, std::string("qat_without_weight"));
  }

  void StoreWeight(const Layer& layer) {
    if (!done_.insert(layer.weight).second) return;
    const QuantizedWeight& weight = quantized_.weights.at(layer.weight);
    const std::vector<int64_t> dims = program_->params.at(layer.weight).dims;
    const auto channels = static_cast<int64_t>(weight.thresholds.size());
    const std::string scale = layer.weight + "@scale";
    const std::string zero = layer.weight + kBoth + "@zero_point";
    editor_.AddVarLike(layer.weight + kBoth, layer.weight);
    editor_.SetParam(layer.weight, DType::kInt8, dims, weight.codes);
    editor_.SetParam(scale, DType::kFloat32, {channels}, weight.thresholds);
    editor_.SetParam(zero, DType::kInt32, {channels},
                     std::vector<int32_t>(weight.thresholds.size(), 0));
    editor_.ops.push_back(MakeLinearOp("dequantize_linear", {.x = layer.weight,
                                                             .scale = scale,
                                                             .zero_point = zero,
                                                             .y = layer.weight + kBoth,
                                                             .axis = weight.axis}));
  }

  // The output's threshold travels on a pair that changes nothing. A variable that is rounded for
  // some reader has its own pair already.
  void Observe(const OpDesc& op) {
    const std::string name(OnlyName(op.outputs, ObservedSlot(op.type)));
    const bool known = quantized_.ranges.contains(name);
    if (!known || rounded_.contains(name) || fetched_.contains(name)) return;
    if (!done_.insert(name).second) return;
    AddPair(name, true);
    observed_.push_back(name);
  }

  const Quantized& quantized_;
  Editor editor_;
  program::Program* program_;
  std::map<size_t, const Layer*> by_op_;
  std::set<std::string> fetched_;
  std::set<std::string> rounded_;
  std::set<std::string> done_;
  std::vector<std::string> observed_;
};

}  // namespace

void ExportLinear(const Quantized& quantized, program::Program* program) {
  LinearExport(quantized, program).Run();
}

}  // namespace skiff::quant
