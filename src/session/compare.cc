#include "session/compare.h"

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
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

// Paddle's quantisation formula (docs/formats.md), as the reference's own operators have it.
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

// The reference's tensor of a name, float; nullopt when it has none.
struct TeacherTensor {
  const float* data;
  Dims dims;
  graph::Layout layout;
};
using Teacher = std::function<std::optional<TeacherTensor>(const std::string& name)>;

class Comparison {
 public:
  Comparison(runtime::Context& judged, Teacher teacher)
      : judged_(judged), teacher_(std::move(teacher)) {}

  Result<CompareResult> Run() {
    const plan::Model& model = judged_.model();
    for (size_t s = 0; s < model.steps.size(); ++s) {
      const plan::PlannedStep& step = model.steps[s];
      // A tensor that the reference does not have stays what the judged step before wrote of it.
      for (int v : step.inputs) Feed(v);
      SKIFF_RETURN_IF_ERROR(judged_.RunStep(s).WithContext(step.info.name));
      const int out = step.outputs.empty() ? -1 : step.outputs[0];
      const bool comparable = out >= 0 && Find(out).has_value() &&
                              (IsInt8(Info(out).dtype) || Info(out).dtype == DType::kFloat32);
      if (!comparable) {
        result_.not_compared.push_back(step.info.op + " " + step.info.name);
        continue;
      }
      result_.layers.push_back(Measure(step, out));
    }
    return std::move(result_);
  }

 private:
  const ValueInfo& Info(int v) const { return judged_.model().values[static_cast<size_t>(v)]; }

  // The reference's tensor of the same name and shape.
  std::optional<TeacherTensor> Find(int v) {
    std::optional<TeacherTensor> tensor = teacher_(Info(v).name);
    if (tensor && !(tensor->dims == judged_.value(v).dims)) tensor.reset();
    return tensor;
  }

  // Puts the reference's tensor, where it has one, to where the judged step reads.
  void Feed(int v) {
    const ValueInfo& info = Info(v);
    if (info.constant || info.dtype == DType::kInt32 || info.dtype == DType::kInt64) return;
    const std::optional<TeacherTensor> from = Find(v);
    if (!from) return;
    const Tensor dst = judged_.value(v);
    const Indexer src_at(from->dims, from->layout);
    const Indexer dst_at(dst.dims, info.layout);
    for (int64_t i = 0; i < dst.dims.Numel(); ++i) {
      const float x = from->data[src_at(i)];
      if (info.dtype == DType::kFloat32) dst.As<float>()[dst_at(i)] = x;
      if (info.dtype == DType::kUInt8) {
        dst.As<uint8_t>()[dst_at(i)] = static_cast<uint8_t>(CodeOf(x, *info.grid));
      }
      if (info.dtype == DType::kInt8) {
        dst.As<int8_t>()[dst_at(i)] = static_cast<int8_t>(CodeOf(x, *info.grid));
      }
    }
  }

  LayerDifference Measure(const plan::PlannedStep& step, int out) {
    const ValueInfo& info = Info(out);
    const TeacherTensor from = *Find(out);
    const Tensor a = judged_.value(out);
    const Indexer a_at(a.dims, info.layout);
    const Indexer b_at(from.dims, from.layout);
    LayerDifference d{step.info.op, step.info.name, step.step->Info().kernel, step.info.precision};
    d.elements = a.dims.Numel();
    const bool codes = IsInt8(info.dtype) && info.grid;
    if (codes) d.max_steps = 0;
    double signal = 0;
    double noise = 0;
    double largest = 0;
    for (int64_t i = 0; i < d.elements; ++i) {
      const float want = from.data[b_at(i)];
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
  Teacher teacher_;
  CompareResult result_;
};

// All float tensors of a context that ran with keep_all.
Teacher TensorsOf(const runtime::Context& context) {
  std::unordered_map<std::string, int> by_name;
  const std::vector<ValueInfo>& values = context.model().values;
  for (size_t v = 0; v < values.size(); ++v) {
    if (!values[v].constant && values[v].dtype == DType::kFloat32) {
      by_name.emplace(values[v].name, static_cast<int>(v));
    }
  }
  return [&context, by_name](const std::string& name) -> std::optional<TeacherTensor> {
    const auto it = by_name.find(name);
    if (it == by_name.end()) return std::nullopt;
    const Tensor tensor = context.value(it->second);
    const ValueInfo& info = context.model().values[static_cast<size_t>(it->second)];
    return TeacherTensor{tensor.As<float>(), tensor.dims, info.layout};
  };
}

Status SetInputs(runtime::Context& context, const std::vector<CompareInput>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    SKIFF_RETURN_IF_ERROR(context.SetInput(i, inputs[i].dtype, inputs[i].dims, inputs[i].data));
  }
  return OkStatus();
}

runtime::ContextOptions KeepAll(const SessionOptions& options) {
  runtime::ContextOptions context;
  context.threads = options.threads;
  context.memory_limit = kMemoryLimit;
  context.keep_all = true;
  return context;
}

}  // namespace

Result<CompareResult> CompareLayers(const program::Program& program, const SessionOptions& options,
                                    Precision reference, const std::vector<CompareInput>& inputs) {
  SKIFF_ASSIGN_OR_RETURN(plan::CompileOptions judged_options, OptionsFor(options));
  judged_options.in_place = false;
  judged_options.hoist_strides = false;
  judged_options.fuse_addends = false;
  judged_options.join_in_place = false;
  SKIFF_ASSIGN_OR_RETURN(const auto judged_model, plan::Compile(program, judged_options));
  plan::CompileOptions reference_options = judged_options;
  reference_options.precision = reference;
  reference_options.fuse = false;
  reference_options.round_skips = judged_model->skips;
  SKIFF_ASSIGN_OR_RETURN(const auto reference_model, plan::Compile(program, reference_options));
  runtime::Context judged(judged_model, KeepAll(options));
  runtime::Context teacher(reference_model, KeepAll(options));
  SKIFF_RETURN_IF_ERROR(SetInputs(judged, inputs));
  SKIFF_RETURN_IF_ERROR(SetInputs(teacher, inputs));
  SKIFF_RETURN_IF_ERROR(teacher.Run());
  SKIFF_RETURN_IF_ERROR(judged.Run());
  return Comparison(judged, TensorsOf(teacher)).Run();
}

Result<CompareResult> CompareLayers(const program::Program& program, const SessionOptions& options,
                                    const std::map<std::string, ReferenceTensor>& reference,
                                    const std::vector<CompareInput>& inputs) {
  SKIFF_ASSIGN_OR_RETURN(plan::CompileOptions judged_options, OptionsFor(options));
  judged_options.in_place = false;
  judged_options.hoist_strides = false;
  judged_options.fuse_addends = false;
  judged_options.join_in_place = false;
  SKIFF_ASSIGN_OR_RETURN(const auto model, plan::Compile(program, judged_options));
  runtime::Context judged(model, KeepAll(options));
  SKIFF_RETURN_IF_ERROR(SetInputs(judged, inputs));
  SKIFF_RETURN_IF_ERROR(judged.Run());
  const Teacher teacher = [&](const std::string& name) -> std::optional<TeacherTensor> {
    const auto it = reference.find(name);
    if (it == reference.end() || !Dims::Fits(it->second.dims.size())) return std::nullopt;
    return TeacherTensor{it->second.data.data(), Dims(it->second.dims), graph::Layout::kPlain};
  };
  return Comparison(judged, teacher).Run();
}

}  // namespace skiff::session
