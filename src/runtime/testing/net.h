// For tests of this room: a small network, built operator by operator and run as options say.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/context.h"

namespace skiff::runtime::testing {

using Slots = std::vector<std::pair<std::string, std::string>>;  // slot, variable

inline std::vector<float> Noise(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  std::vector<float> values(count);
  for (float& v : values) v = uniform(generator);
  return values;
}

class Net {
 public:
  [[nodiscard]] const program::Program& program() const { return program_; }
  [[nodiscard]] std::vector<int64_t> InputDims(int64_t batch = 2) const {
    return {batch, 3, extent_, extent_};
  }
  [[nodiscard]] std::vector<float> Input(int64_t batch = 2) const {
    return Noise(static_cast<size_t>(batch * 3 * extent_ * extent_), 7);
  }

  struct Outcome {
    std::vector<float> output;
    int64_t multiply_adds = 0;
    int pools = 0;
    int float_convolutions = 0;
    std::vector<std::string> kernels;  // by step
  };
  [[nodiscard]] Result<Outcome> Run(const plan::CompileOptions& options) const {
    SKIFF_ASSIGN_OR_RETURN(const auto model, plan::Compile(program_, options));
    Context context(model, {});
    const std::vector<float> x = Input();
    SKIFF_RETURN_IF_ERROR(context.SetInput(0, DType::kFloat32, InputDims(), x.data()));
    SKIFF_RETURN_IF_ERROR(context.Run());
    Outcome outcome;
    for (const plan::PlannedStep& step : model->steps) {
      std::vector<Dims> in;
      std::vector<Dims> out;
      for (const int v : step.inputs) in.push_back(context.dims(v));
      for (const int v : step.outputs) out.push_back(context.dims(v));
      outcome.multiply_adds += step.step->MultiplyAdds(in, out);
      outcome.pools += step.info.op == "pool2d";
      outcome.kernels.push_back(step.step->Info().kernel);
      outcome.float_convolutions += step.info.op == "conv2d" && step.info.precision == "fp32";
    }
    const steps::Tensor out = context.value(model->outputs[0]);
    outcome.output = {out.As<float>(), out.As<float>() + out.dims.Numel()};
    return outcome;
  }

 protected:
  // Of pictures of `extent` x `extent` with 3 channels, "x".
  explicit Net(int64_t extent) : extent_(extent) {
    program_.blocks.resize(1);
    Declare("x", 3, extent);
    Add("feed", {{"X", "feed"}}, "Out", "x");
    Attribute("col", program::AttrType::kInt, int32_t{0});
  }
  void Fetch(const std::string& y) {
    Add("fetch", {{"X", y}}, "Out", "fetch");
    Attribute("col", program::AttrType::kInt, int32_t{0});
  }

  void Declare(const std::string& name, int64_t channels, int64_t extent) {
    program::VarDesc var;
    var.name = name;
    var.dtype = DType::kFloat32;
    var.dims = {-1, channels, extent, extent};
    program_.blocks[0].vars.push_back(var);
  }

  void Add(const std::string& type, const Slots& inputs, const std::string& out_slot,
           const std::string& out) {
    program::OpDesc op;
    op.type = type;
    for (const auto& [slot, name] : inputs) op.inputs.push_back({slot, {name}, ""});
    op.outputs.push_back({out_slot, {out}, ""});
    program_.blocks[0].ops.push_back(std::move(op));
  }

  void Attribute(const std::string& name, program::AttrType type, program::AttrValue value) {
    program_.blocks[0].ops.back().attributes.push_back({name, type, std::move(value), ""});
  }

  void Parameter(const std::string& name, const std::vector<int64_t>& dims, unsigned seed) {
    size_t count = 1;
    for (const int64_t extent : dims) count *= static_cast<size_t>(extent);
    auto values = std::make_shared<const std::vector<float>>(Noise(count, seed));
    program::Tensor tensor;
    tensor.dtype = DType::kFloat32;
    tensor.dims = dims;
    tensor.data = {values, std::as_bytes(std::span(*values))};
    program_.params[name] = std::move(tensor);
  }

  void Conv(const std::string& x, const std::string& y, int64_t in, int64_t out, int32_t kernel,
            int32_t stride, int64_t extent, bool relu) {
    Parameter(y + ".w", {out, in, kernel, kernel}, static_cast<unsigned>(y.size()));
    const std::string sum = relu ? y + ".sum" : y;
    Add("conv2d", {{"Input", x}, {"Filter", y + ".w"}}, "Output", sum);
    Attribute("strides", program::AttrType::kInts, std::vector<int32_t>{stride, stride});
    Attribute("paddings", program::AttrType::kInts, std::vector<int32_t>{kernel / 2, kernel / 2});
    Declare(sum, out, extent);
    if (!relu) return;
    Add("relu", {{"X", sum}}, "Out", y);
    Declare(y, out, extent);
  }

  void Sum(const std::string& x, const std::string& y, const std::string& out, int64_t channels,
           int64_t extent) {
    Add("elementwise_add", {{"X", x}, {"Y", y}}, "Out", out + ".sum");
    Declare(out + ".sum", channels, extent);
    Add("relu", {{"X", out + ".sum"}}, "Out", out);
    Declare(out, channels, extent);
  }

  int64_t extent_;
  program::Program program_;
};

}  // namespace skiff::runtime::testing
