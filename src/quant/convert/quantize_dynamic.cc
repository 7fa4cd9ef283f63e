// quant_post_dynamic: weights as integers with their steps in attributes (docs/formats.md, R5).
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <new>

#include "formats/model_files.h"
#include "quant/edit.h"
#include "quant/layers.h"
#include "quant/write_files.h"
#include "skiff/quantize_weights.h"

namespace skiff {
namespace {

using program::AttrType;
using program::Tensor;
using quant::Layer;

// A threshold of zero, of a channel of zeros, would make a step that nothing can be divided by.
constexpr float kLeastThreshold = 1e-8F;

struct Steps {
  std::vector<float> step;  // one, or one for each channel
  size_t inner = 1;         // elements between neighbours along the channels' axis
  [[nodiscard]] float Of(size_t element) const { return step[element / inner % step.size()]; }
};

Result<Steps> StepsOf(const std::string& name, const Tensor& weight, int axis, float range) {
  Steps steps;
  size_t channels = 1;
  if (axis >= 0) {
    const auto at = static_cast<size_t>(axis);
    if (at >= weight.dims.size()) {
      return Unsupported("weight " + name + " has no channels along axis " + std::to_string(axis));
    }
    channels = static_cast<size_t>(weight.dims[at]);
    for (size_t d = at + 1; d < weight.dims.size(); ++d) {
      steps.inner *= static_cast<size_t>(weight.dims[d]);
    }
  }
  steps.step.assign(channels, kLeastThreshold);
  const std::span<const float> w = weight.As<float>();
  for (size_t i = 0; i < w.size(); ++i) {
    if (!std::isfinite(w[i])) {
      return InvalidArgument("weight " + name + " holds a value that is not finite");
    }
    float& largest = steps.step[i / steps.inner % channels];
    largest = std::max(largest, std::fabs(w[i]));
  }
  for (float& step : steps.step) step /= range;
  return steps;
}

template <typename T>
std::vector<T> Codes(std::span<const float> w, const Steps& steps, float range) {
  std::vector<T> codes(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    codes[i] = static_cast<T>(std::clamp(std::nearbyint(w[i] / steps.Of(i)), -range, range));
  }
  return codes;
}

class DynamicQuantizer {
 public:
  DynamicQuantizer(const DynamicOptions& options, program::Program* program)
      : options_(options),
        range_(options.weight_bits == 8 ? 127.0F : 32767.0F),
        quantized_(program),
        float_program_(*program),
        float_(&float_program_) {
    quantized_.ops = program->blocks[0].ops;
    float_.ops = quantized_.ops;
  }

  Status Store(const Layer& layer, const Tensor& weight) {
    SKIFF_ASSIGN_OR_RETURN(const Steps steps, StepsOf(layer.weight, weight, layer.axis, range_));
    const std::span<const float> w = weight.As<float>();
    if (options_.weight_bits == 8) {
      Store(layer.weight, weight, DType::kInt8, Codes<int8_t>(w, steps, range_), steps);
    } else {
      Store(layer.weight, weight, DType::kInt16, Codes<int16_t>(w, steps, range_), steps);
    }
    program::OpDesc* op = &quantized_.ops[layer.op];
    quant::SetAttribute(op, "quantization_type", AttrType::kString,
                        std::string(options_.weight_per_channel ? "post_weight_channel_wise_abs_max"
                                                                : "post_weight_abs_max"));
    quant::SetAttribute(op, "quantize_weight_bits", AttrType::kInt, int32_t{options_.weight_bits});
    quant::SetAttribute(op, layer.weight + "_quant_scale", AttrType::kFloats, steps.step);
    return OkStatus();
  }

  Status Write(const std::string& out) {
    quantized_.Finish();
    const std::filesystem::path folder(out);
    if (options_.generate_test_model) {
      SKIFF_RETURN_IF_ERROR(quant::WriteFiles(float_program_, (folder / "test_model").string(),
                                              options_.save_model_filename,
                                              options_.save_params_filename));
    }
    return OkStatus();
  }

 private:
  template <typename T>
  void Store(const std::string& name, const Tensor& weight, DType dtype,
             const std::vector<T>& codes, const Steps& steps) {
    quantized_.SetParam(name, dtype, weight.dims, codes);
    if (!options_.generate_test_model) return;
    std::vector<float> values(codes.size());
    for (size_t i = 0; i < codes.size(); ++i) {
      values[i] = static_cast<float>(codes[i]) * steps.Of(i);
    }
    float_.SetParam(name, DType::kFloat32, weight.dims, values);
  }

  const DynamicOptions& options_;
  float range_;
  quant::Editor quantized_;
  program::Program float_program_;
  quant::Editor float_;
};

Status CheckOptions(const DynamicOptions& options) {
  if (options.weight_bits != 8 && options.weight_bits != 16) {
    return InvalidArgument("weight_bits " + std::to_string(options.weight_bits) +
                           ": 8 or 16 expected");
  }
  for (const std::string& type : options.quantizable_op_type) {
    // Whose weights' channels the reader of R5 knows.
    if (type == "conv2d_transpose" || quant::FindWeightSlots(type) == nullptr) {
      return InvalidArgument("quantizable_op_type: the weights of " + type +
                             " cannot be stored this way");
    }
  }
  return OkStatus();
}

Result<StoredWeightsReport> QuantizeModel(const ModelSource& source, const DynamicOptions& options,
                                          const std::string& out) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options));
  SKIFF_ASSIGN_OR_RETURN(program::Program program, formats::LoadModel(source));
  if (program.blocks.empty()) return Corruption(program.source + ": the program has no block");
  QuantizeOptions plan;
  plan.quantizable_op_type = options.quantizable_op_type;
  plan.weight_per_channel = options.weight_per_channel;
  const program::Program original = program;
  DynamicQuantizer quantizer(options, &program);
  StoredWeightsReport report;
  report.bytes_before = quant::ParameterBytes(original);
  for (const Layer& layer : quant::PlanLayers(original, plan)) {
    report.weights.push_back(
        {original.blocks[0].ops[layer.op].type, layer.output, layer.weight, layer.why_float});
    if (!layer.why_float.empty()) continue;
    SKIFF_RETURN_IF_ERROR(quantizer.Store(layer, original.params.at(layer.weight))
                              .WithContext(report.weights.back().op + " " + layer.output));
  }
  SKIFF_RETURN_IF_ERROR(quantizer.Write(out));
  report.bytes_after = quant::ParameterBytes(program);
  SKIFF_RETURN_IF_ERROR(
      quant::WriteFiles(program, (std::filesystem::path(out) / "quantized_model").string(),
                        options.save_model_filename, options.save_params_filename));
  return report;
}

}  // namespace

Result<StoredWeightsReport> QuantizeDynamic(const ModelSource& source,
                                            const DynamicOptions& options,
                                            const std::string& save_model_dir) {
  try {
    return QuantizeModel(source, options, save_model_dir);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to quantise the model's weights");
  }
}

}  // namespace skiff
