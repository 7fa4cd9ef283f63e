// A small network for this folder's tests: a convolution, then a residual block with a depthwise
// one, then a fully connected layer.
#pragma once

#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "quant/calibrate/calibrate.h"
#include "quant/edit.h"
#include "quant/export.h"
#include "quant/layers.h"
#include "skiff/quantize.h"

namespace skiff::quant {

inline std::vector<float> TestNoise(size_t count, unsigned seed, float largest) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-largest, largest);
  std::vector<float> values(count);
  for (float& v : values) v = uniform(generator);
  return values;
}

inline program::OpDesc TestOp(const std::string& type, const Slots& in, const std::string& out) {
  const bool conv = type == "conv2d" || type == "depthwise_conv2d";
  return MakeOp(type, in, {{conv ? "Output" : "Out", {out}}});
}

inline void AddTestConvolution(Editor* editor, const std::string& x, const std::string& y,
                               int64_t in, int64_t out, int32_t kernel, int32_t groups) {
  const std::string weight = "w_" + y;
  const auto area = static_cast<size_t>(kernel) * static_cast<size_t>(kernel);
  editor->SetParam(weight, DType::kFloat32, {out, in / groups, kernel, kernel},
                   TestNoise(static_cast<size_t>(out * in / groups) * area,
                             static_cast<unsigned>(y.size() + y[0]), 0.5F));
  editor->ops.push_back(TestOp(groups > 1 ? "depthwise_conv2d" : "conv2d",
                               {{"Input", {x}}, {"Filter", {weight}}}, y + "_sum"));
  SetAttribute(&editor->ops.back(), "groups", program::AttrType::kInt, groups);
  SetAttribute(&editor->ops.back(), "paddings", program::AttrType::kInts,
               std::vector<int32_t>{kernel / 2, kernel / 2});
  editor->SetParam("b_" + y, DType::kFloat32, {out},
                   TestNoise(static_cast<size_t>(out), static_cast<unsigned>(y[0]), 0.2F));
  editor->ops.push_back(TestOp("elementwise_add", {{"X", {y + "_sum"}}, {"Y", {"b_" + y}}}, y));
  SetAttribute(&editor->ops.back(), "axis", program::AttrType::kInt, int32_t{1});
}

// What `fill(editor)` puts between the feed of x [n, 3, 8, 8] and the fetch of `out`.
template <typename Fill>
program::Program TestProgram(const std::string& out, Fill fill) {
  program::Program program;
  program.blocks.resize(1);
  Editor editor(&program);
  editor.ops.push_back(MakeOp("feed", {{"X", {"feed"}}}, {{"Out", {"x"}}}));
  SetAttribute(&editor.ops.back(), "col", program::AttrType::kInt, int32_t{0});
  fill(editor);
  editor.ops.push_back(MakeOp("fetch", {{"X", {out}}}, {{"Out", {"fetch"}}}));
  SetAttribute(&editor.ops.back(), "col", program::AttrType::kInt, int32_t{0});
  editor.Finish();
  program::VarDesc x;
  x.name = "x";
  x.dtype = DType::kFloat32;
  x.dims = {-1, 3, 8, 8};
  program.blocks[0].vars.push_back(x);
  return program;
}

// x -> a -> relu r -> (expand e, depthwise d, project p) + r = s -> mean m -> out.
inline program::Program TestNet() {
  return TestProgram("out", [](Editor& editor) {
    AddTestConvolution(&editor, "x", "a", 3, 6, 3, 1);
    editor.ops.push_back(TestOp("relu", {{"X", {"a"}}}, "r"));
    AddTestConvolution(&editor, "r", "e", 6, 12, 1, 1);
    editor.ops.push_back(TestOp("relu6", {{"X", {"e"}}}, "e6"));
    AddTestConvolution(&editor, "e6", "d", 12, 12, 3, 12);
    editor.ops.push_back(TestOp("relu6", {{"X", {"d"}}}, "d6"));
    AddTestConvolution(&editor, "d6", "p", 12, 6, 1, 1);
    editor.ops.push_back(TestOp("elementwise_add", {{"X", {"p"}}, {"Y", {"r"}}}, "s"));
    editor.ops.push_back(TestOp("pool2d", {{"X", {"s"}}}, "m"));
    SetAttribute(&editor.ops.back(), "pooling_type", program::AttrType::kString,
                 std::string("avg"));
    SetAttribute(&editor.ops.back(), "global_pooling", program::AttrType::kBoolean, true);
    editor.SetParam("w_out", DType::kFloat32, {6, 5}, TestNoise(30, 3, 0.5F));
    editor.ops.push_back(TestOp("mul", {{"X", {"m"}}, {"Y", {"w_out"}}}, "out"));
  });
}

class TestData final : public CalibrationData {
 public:
  explicit TestData(int64_t batches, int64_t samples)
      : batches_(batches),
        samples_(samples),
        values_(TestNoise(static_cast<size_t>(batches * samples * kSample), 21, 0.4F)) {
    // As in pictures, neighbours are alike: the errors of their weights add up or cancel out.
    for (float& v : values_) v += 1;
  }
  [[nodiscard]] int64_t batches() const override { return batches_; }
  Result<std::vector<TensorView>> Batch(int64_t index) override {
    TensorView view;
    view.dtype = DType::kFloat32;
    view.dims = {samples_, 3, 8, 8};
    view.data = values_.data() + index * samples_ * kSample;
    view.bytes = static_cast<size_t>(samples_ * kSample) * sizeof(float);
    return std::vector<TensorView>{view};
  }

 private:
  static constexpr int64_t kSample = 3 * 8 * 8;
  int64_t batches_;
  int64_t samples_;
  std::vector<float> values_;
};

// Nearest rounding, ranges by the largest value. The thresholds of weights are eight times too
// wide, as if they had five bits: with eight there would be little to gain in a net this small.
inline Quantized QuantizeTestNet(const program::Program& program, CalibrationData& data) {
  QuantizeOptions options;
  options.algo = CalibrationAlgorithm::kAbsMax;
  Quantized quantized;
  quantized.layers = PlanLayers(program, options);
  std::set<std::string> names;
  for (const Layer& layer : quantized.layers) {
    names.insert(layer.activation);
    QuantizedWeight weight =
        *QuantizeWeight(layer.weight, program.params.at(layer.weight), layer.axis);
    const std::span<const float> values = program.params.at(layer.weight).As<float>();
    for (float& threshold : weight.thresholds) threshold *= 8;
    for (size_t i = 0; i < values.size(); ++i) {
      weight.codes[i] = static_cast<int8_t>(std::nearbyint(weight.codes[i] / 8.0));
    }
    quantized.weights[layer.weight] = std::move(weight);
  }
  quantized.ranges = Calibrate(program, names, data, options, Cache(""), "", {})->ranges;
  return quantized;
}

}  // namespace skiff::quant
