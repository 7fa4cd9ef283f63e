#include "quant/pay_off.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "quant/runner.h"

namespace skiff::quant {
namespace {

using program::OpDesc;

// One core with AVX2, in round figures. INT8 arithmetic counts twice as fast as float: less than
// that on AVX2, more with VNNI.
constexpr double kFloatMultiplyAdds = 40e3;  // a microsecond
constexpr double kInt8MultiplyAdds = 80e3;
constexpr double kDepthwiseShare = 0.3;  // of either: one product for each value that is loaded
constexpr double kBytes = 10e3;          // a microsecond
constexpr double kStep = 0.5;            // microseconds to begin one more step
constexpr int64_t kFloatBytes = 4;
// Of a layer's time in float: a gain below that is within the error of the prediction.
constexpr double kLeastGain = 0.2;

// Operators whose output comes in integers when their input does, or that are fused behind a layer.
constexpr std::array<std::string_view, 26> kCarriers = {
    "batch_norm", "relu",       "relu6",           "leaky_relu",
    "hard_swish", "swish",      "sigmoid",         "hard_sigmoid",
    "tanh",       "gelu",       "elementwise_add", "elementwise_mul",
    "pool2d",     "concat",     "scale",           "dropout",
    "transpose2", "reshape2",   "flatten2",        "flatten_contiguous_range",
    "squeeze2",   "unsqueeze2", "shuffle_channel", "nearest_interp_v2",
    "slice",      "split"};

struct LayerSize {
  double multiply_adds = 0;
  double input = 0;  // elements
  double output = 0;
  double weight = 0;
  bool depthwise = false;
};

class PayOff {
 public:
  PayOff(const program::Program& program, std::vector<Layer>* layers)
      : program_(program), layers_(*layers), sizes_(layers->size()) {
    const std::vector<OpDesc>& ops = program.blocks[0].ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      for (const program::Argument& argument : ops[i].outputs) {
        for (const std::string& name : argument.names) writers_.emplace(name, i);
      }
    }
    for (size_t i = 0; i < layers_.size(); ++i) by_op_[layers_[i].op] = i;
  }

  Status Measure(CalibrationData& data, const QuantizeOptions& options) {
    RunnerOptions run = RunnerOptionsOf(options);
    run.visible = true;
    SKIFF_ASSIGN_OR_RETURN(const auto runner, Runner::Make(program_, run));
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(0));
    SKIFF_RETURN_IF_ERROR(runner->Run(FirstSample(batch, runner->model().input_infos))
                              .WithContext("calibration batch 0"));
    for (size_t i = 0; i < layers_.size(); ++i) {
      const auto weight = program_.params.find(layers_[i].weight);
      const RunTensor x = runner->Find(layers_[i].activation);
      const RunTensor y = runner->Find(layers_[i].output);
      if (weight == program_.params.end() || x.data.empty() || y.data.empty()) continue;
      LayerSize& size = sizes_[i];
      size.input = static_cast<double>(x.data.size());
      size.output = static_cast<double>(y.data.size());
      size.weight = static_cast<double>(weight->second.As<float>().size());
      const OpDesc& op = program_.blocks[0].ops[layers_[i].op];
      size.depthwise = op.type == "depthwise_conv2d";
      size.multiply_adds = MultiplyAdds(op, weight->second.dims, size.input, size.output);
    }
    return OkStatus();
  }

  PredictedTimes Run(bool must_pay) {
    const std::vector<Layer> all = layers_;
    while (must_pay && LeaveOne()) {
    }
    if (QuantizedByOp(layers_).empty()) layers_ = all;
    PredictedTimes times(layers_.size());
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (sizes_[i].input > 0) times[i] = {FloatTime(sizes_[i]), Int8Time(i)};
    }
    return times;
  }

 private:
  // Arithmetic and memory overlap: the slower one counts.
  static double Time(const LayerSize& size, double multiply_adds, double bytes) {
    const double rate = multiply_adds * (size.depthwise ? kDepthwiseShare : 1);
    return kStep + std::max(size.multiply_adds / rate, bytes / kBytes);
  }

  static double FloatTime(const LayerSize& size) {
    return Time(size, kFloatMultiplyAdds, kFloatBytes * (size.input + size.output + size.weight));
  }

  // With what it takes to round the input, where that comes in float.
  double Int8Time(size_t i) const {
    const LayerSize& size = sizes_[i];
    const double layer = Time(size, kInt8MultiplyAdds, size.input + size.output + size.weight);
    std::set<std::string> seen;
    if (ComesInCodes(layers_[i].activation, &seen)) return layer;
    return layer + kStep + (kFloatBytes + 1) * size.input / kBytes;
  }

  // Whether a quantised layer stands behind a variable, with nothing between them that needs float.
  bool ComesInCodes(const std::string& name, std::set<std::string>* seen) const {
    const auto writer = writers_.find(name);
    if (writer == writers_.end() || !seen->insert(name).second) return false;
    const auto layer = by_op_.find(writer->second);
    if (layer != by_op_.end()) return layers_[layer->second].why_float.empty();
    const OpDesc& op = program_.blocks[0].ops[writer->second];
    if (std::find(kCarriers.begin(), kCarriers.end(), op.type) == kCarriers.end()) return false;
    for (const char* slot : {"X", "Y"}) {
      const program::Argument* argument = program::FindArgument(op.inputs, slot);
      if (argument == nullptr) continue;
      for (const std::string& input : argument->names) {
        if (ComesInCodes(input, seen)) return true;
      }
    }
    return false;
  }

  // The layer, with all that read its weight, that makes the model fastest when it is left in
  // float.
  bool LeaveOne() {
    const double now = Total();
    double most = 0;
    std::string best;
    std::set<std::string> tried;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (!layers_[i].why_float.empty() || sizes_[i].input == 0) continue;
      const std::string& weight = layers_[i].weight;
      if (!tried.insert(weight).second) continue;
      const std::vector<size_t> left = Leave(weight, "on trial");
      const double gain = now - Total();
      double in_float = 0;
      for (const size_t k : left) {
        layers_[k].why_float.clear();
        in_float += FloatTime(sizes_[k]);
      }
      if (gain <= most || gain < kLeastGain * in_float) continue;
      most = gain;
      best = weight;
    }
    if (best.empty()) return false;
    std::array<char, 96> why{};
    std::snprintf(why.data(), why.size(), "INT8 does not pay: predicted to cost the model %.3g us",
                  most);
    (void)Leave(best, why.data());
    return true;
  }

  // Those that were not left in float before.
  std::vector<size_t> Leave(const std::string& weight, const std::string& why) {
    std::vector<size_t> left;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (layers_[i].weight != weight || !layers_[i].why_float.empty()) continue;
      layers_[i].why_float = why;
      left.push_back(i);
    }
    return left;
  }

  // Of all layers, as they stand.
  double Total() const {
    double total = 0;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (sizes_[i].input == 0) continue;
      total += layers_[i].why_float.empty() ? Int8Time(i) : FloatTime(sizes_[i]);
    }
    return total;
  }

  const program::Program& program_;
  std::vector<Layer>& layers_;
  std::vector<LayerSize> sizes_;
  std::map<std::string, size_t> writers_;
  std::map<size_t, size_t> by_op_;
};

}  // namespace

Result<PredictedTimes> LeaveUnpaid(const program::Program& program, CalibrationData& data,
                                   const QuantizeOptions& options, std::vector<Layer>* layers) {
  PayOff pay_off(program, layers);
  SKIFF_RETURN_IF_ERROR(pay_off.Measure(data, options));
  return pay_off.Run(options.int8_must_pay);
}

}  // namespace skiff::quant
