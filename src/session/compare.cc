#include "session/compare.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "runtime/context.h"
#include "session/load.h"

namespace skiff::session {
namespace {

using plan::ValueInfo;
using steps::Tensor;

// Comparison keeps every tensor.
constexpr size_t kMemoryLimit = size_t{16} << 30;

// Memory index of the element with logical index i of a tensor, by its layout.
class Indexer {
 public:
  Indexer(const Dims& dims, graph::Layout layout) : nhwc_(layout == graph::Layout::kNhwc) {
    if (!nhwc_) return;
    channels_ = dims[1];
    pixels_ = dims[2] * dims[3];
  }
  [[nodiscard]] size_t operator()(int64_t i) const {
    if (!nhwc_) return static_cast<size_t>(i);
    const int64_t pixel = i % pixels_;
    const int64_t channel = i / pixels_ % channels_;
    const int64_t image = i / (pixels_ * channels_);
    return static_cast<size_t>((image * pixels_ + pixel) * channels_ + channel);
  }

 private:
  bool nhwc_;
  int64_t channels_ = 1;
  int64_t pixels_ = 1;
};

// Paddle's quantisation formula (spec formats.md 4.1), as the reference's own operators have it.
float CodeOf(float x, const graph::Grid& grid) {
  const auto threshold = static_cast<float>(grid.threshold());
  const float scaled = static_cast<float>(grid.max_code) * (1.0F / threshold) * x;
  const auto high = static_cast<float>(grid.max_code);
  const auto low = static_cast<float>(grid.lowest());
  return std::fmin(std::fmax(Round(scaled, grid.round), low), high);
}

float CodeAt(const ValueInfo& info, const Tensor& tensor, size_t at) {
  return info.dtype == DType::kUInt8 ? static_cast<float>(tensor.As<uint8_t>()[at])
                                     : static_cast<float>(tensor.As<int8_t>()[at]);
}

class Comparison {
 public:
  Comparison(runtime::Context& judged, runtime::Context& reference)
      : judged_(judged), reference_(reference) {
    const auto& values = reference_.model().values;
    for (size_t v = 0; v < values.size(); ++v) {
      if (!values[v].constant) by_name_.emplace(values[v].name, static_cast<int>(v));
    }
  }

  Result<CompareResult> Run() {
    const plan::Model& model = judged_.model();
    for (size_t s = 0; s < model.steps.size(); ++s) {
      const plan::PlannedStep& step = model.steps[s];
      bool known = true;
      for (int v : step.inputs) known = Feed(v) && known;
      SKIFF_RETURN_IF_ERROR(judged_.RunStep(s).WithContext(step.info.name));
      const int out = step.outputs.empty() ? -1 : step.outputs[0];
      if (out < 0 || !known || Teacher(out) < 0) {
        result_.not_compared.push_back(step.info.op + " " + step.info.name);
        continue;
      }
      result_.layers.push_back(Measure(step, out));
    }
    return std::move(result_);
  }

 private:
  // Index of the reference's tensor of the same name and shape, float like all of its tensors; -1.
  int Teacher(int v) {
    const auto it = by_name_.find(judged_.model().values[static_cast<size_t>(v)].name);
    if (it == by_name_.end()) return -1;
    const ValueInfo& info = reference_.model().values[static_cast<size_t>(it->second)];
    const bool same = reference_.value(it->second).dims == judged_.value(v).dims;
    return same && info.dtype == DType::kFloat32 ? it->second : -1;
  }

  // Puts the reference's tensor where the judged step reads. True when there is one, or the tensor
  // is a constant or an integer that only shapes depend on.
  bool Feed(int v) {
    const ValueInfo& info = judged_.model().values[static_cast<size_t>(v)];
    if (info.constant || info.dtype == DType::kInt32 || info.dtype == DType::kInt64) return true;
    const int teacher = Teacher(v);
    if (teacher < 0) return false;
    const ValueInfo& from = reference_.model().values[static_cast<size_t>(teacher)];
    const Tensor src = reference_.value(teacher);
    const Tensor dst = judged_.value(v);
    const Indexer src_at(src.dims, from.layout);
    const Indexer dst_at(dst.dims, info.layout);
    for (int64_t i = 0; i < src.dims.Numel(); ++i) {
      const float x = src.As<float>()[src_at(i)];
      if (info.dtype == DType::kFloat32) dst.As<float>()[dst_at(i)] = x;
      if (info.dtype == DType::kUInt8) {
        dst.As<uint8_t>()[dst_at(i)] = static_cast<uint8_t>(CodeOf(x, *info.grid));
      }
      if (info.dtype == DType::kInt8) {
        dst.As<int8_t>()[dst_at(i)] = static_cast<int8_t>(CodeOf(x, *info.grid));
      }
    }
    return true;
  }

  LayerDifference Measure(const plan::PlannedStep& step, int out) {
    const ValueInfo& info = judged_.model().values[static_cast<size_t>(out)];
    const int teacher = Teacher(out);
    const ValueInfo& from = reference_.model().values[static_cast<size_t>(teacher)];
    const Tensor a = judged_.value(out);
    const Tensor b = reference_.value(teacher);
    const Indexer a_at(a.dims, info.layout);
    const Indexer b_at(b.dims, from.layout);
    LayerDifference d{step.info.op, step.info.name, step.info.kernel, step.info.precision};
    d.elements = a.dims.Numel();
    const bool codes = IsInt8(info.dtype) && info.grid;
    if (codes) d.max_steps = 0;
    double signal = 0;
    double noise = 0;
    double largest = 0;
    for (int64_t i = 0; i < d.elements; ++i) {
      const float want = b.As<float>()[b_at(i)];
      double got = 0;
      if (codes) {
        const float code = CodeAt(info, a, a_at(i));
        got = code * info.grid->step[0];
        d.max_steps = std::fmax(d.max_steps, std::fabs(code - CodeOf(want, *info.grid)));
      } else {
        got = a.As<float>()[a_at(i)];
      }
      const double error = std::fabs(got - want);
      d.max_abs = std::fmax(d.max_abs, error);
      largest = std::fmax(largest, std::fabs(want));
      signal += static_cast<double>(want) * want;
      noise += error * error;
    }
    d.max_relative = largest > 0 ? d.max_abs / largest : d.max_abs;
    d.sqnr_db =
        noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
    return d;
  }

  runtime::Context& judged_;
  runtime::Context& reference_;
  std::unordered_map<std::string, int> by_name_;
  CompareResult result_;
};

Status SetInputs(runtime::Context& context, const std::vector<CompareInput>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    SKIFF_RETURN_IF_ERROR(context.SetInput(i, inputs[i].dtype, inputs[i].dims, inputs[i].data));
  }
  return OkStatus();
}

}  // namespace

Result<CompareResult> CompareLayers(const program::Program& program, const SessionOptions& options,
                                    Precision reference, const std::vector<CompareInput>& inputs) {
  SKIFF_ASSIGN_OR_RETURN(plan::CompileOptions judged_options, OptionsFor(options));
  judged_options.in_place = false;
  SKIFF_ASSIGN_OR_RETURN(const auto judged_model, plan::Compile(program, judged_options));
  plan::CompileOptions reference_options = judged_options;
  reference_options.precision = reference;
  reference_options.fuse = false;
  reference_options.round_skips = judged_model->skips;
  SKIFF_ASSIGN_OR_RETURN(const auto reference_model, plan::Compile(program, reference_options));
  runtime::ContextOptions context_options;
  context_options.threads = options.threads;
  context_options.memory_limit = kMemoryLimit;
  context_options.keep_all = true;
  runtime::Context judged(judged_model, context_options);
  runtime::Context teacher(reference_model, context_options);
  SKIFF_RETURN_IF_ERROR(SetInputs(judged, inputs));
  SKIFF_RETURN_IF_ERROR(SetInputs(teacher, inputs));
  SKIFF_RETURN_IF_ERROR(teacher.Run());
  SKIFF_RETURN_IF_ERROR(judged.Run());
  return Comparison(judged, teacher).Run();
}

}  // namespace skiff::session
