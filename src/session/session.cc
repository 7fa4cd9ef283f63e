#include "skiff/session.h"

#include <new>

#include "runtime/context.h"
#include "session/load.h"
#include "skiff/export.h"

namespace skiff {

SKIFF_API std::string_view Name(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return "fp32";
    case Precision::kSimulate: return "simulate";
    case Precision::kInt8: return "int8";
    case Precision::kBf16: return "bf16";
  }
  return "unknown";
}

SKIFF_API Result<Precision> ParsePrecision(std::string_view name) {
  for (Precision p : {Precision::kFp32, Precision::kSimulate, Precision::kInt8, Precision::kBf16}) {
    if (name == Name(p)) return p;
  }
  return InvalidArgument("precision " + std::string(name) +
                         ": fp32, simulate, int8 or bf16 expected");
}

struct Session::Impl {
  Impl(std::shared_ptr<const plan::Model> model, const runtime::ContextOptions& options)
      : context(std::move(model), options) {}
  runtime::Context context;
  std::vector<std::string> warnings;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

namespace {

Result<std::shared_ptr<const plan::Model>> CompileSource(const ModelSource& source,
                                                         const SessionOptions& options,
                                                         std::vector<std::string>* warnings) {
  // The libraries below and large weights may throw for want of memory only.
  try {
    SKIFF_ASSIGN_OR_RETURN(const program::Program program, session::ReadSource(source));
    SKIFF_ASSIGN_OR_RETURN(const plan::CompileOptions compile,
                           session::OptionsFor(options, warnings));
    Result<std::shared_ptr<const plan::Model>> model = plan::Compile(program, compile);
    if (!model.ok()) return model.status().WithContext(program.source);
    return model;
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to load the model");
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::Load(const ModelSource& source,
                                               const SessionOptions& options) {
  SKIFF_RETURN_IF_ERROR(session::CheckOptions(options));
  std::vector<std::string> warnings;
  SKIFF_ASSIGN_OR_RETURN(const auto model, CompileSource(source, options, &warnings));
  runtime::ContextOptions context;
  context.threads = options.threads;
  context.memory_limit = options.memory_limit;
  context.profile = options.profile;
  std::unique_ptr<Session> session(new Session(std::make_unique<Impl>(model, context)));
  session->impl_->warnings = std::move(warnings);
  if (options.warm_up) SKIFF_RETURN_IF_ERROR(session->WarmUp());
  return session;
}

Status Session::WarmUp() {
  try {
    impl_->context.WarmUp();
    return OkStatus();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the activations");
  }
}

Result<std::unique_ptr<Session>> Session::Clone() const {
  const runtime::Context& context = impl_->context;
  return std::unique_ptr<Session>(
      new Session(std::make_unique<Impl>(context.shared_model(), context.options())));
}

const std::vector<TensorInfo>& Session::inputs() const {
  return impl_->context.model().input_infos;
}

const std::vector<TensorInfo>& Session::outputs() const {
  return impl_->context.model().output_infos;
}

Status Session::SetInput(size_t index, DType dtype, std::span<const int64_t> dims,
                         const void* data) {
  return impl_->context.SetInput(index, dtype, dims, data);
}

Status Session::Run() {
  try {
    return impl_->context.Run();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the activations");
  }
}

Result<TensorView> Session::Output(size_t index) const {
  const plan::Model& model = impl_->context.model();
  if (index >= model.outputs.size()) {
    return InvalidArgument("output " + std::to_string(index) + " of a model that has " +
                           std::to_string(model.outputs.size()));
  }
  if (!impl_->context.has_outputs()) {
    return InvalidArgument("output " + model.output_infos[index].name +
                           " holds nothing: Run has not been called, or has failed");
  }
  const int value = model.outputs[index];
  const steps::Tensor tensor = impl_->context.value(value);
  TensorView view;
  view.dtype = model.values[static_cast<size_t>(value)].dtype;
  view.dims.assign(tensor.dims.span().begin(), tensor.dims.span().end());
  view.data = tensor.data;
  view.bytes = static_cast<size_t>(tensor.dims.Numel()) * SizeOf(view.dtype);
  return view;
}

std::vector<LayerInfo> Session::Layers() const {
  const runtime::Context& context = impl_->context;
  const plan::Model& model = context.model();
  std::vector<LayerInfo> layers;
  for (size_t s = 0; s < model.steps.size(); ++s) {
    const plan::PlannedStep& step = model.steps[s];
    LayerInfo& layer = layers.emplace_back();
    layer.op = step.info.op;
    layer.name = step.info.name;
    layer.precision = step.info.precision;
    layer.kernel = step.step->Info().kernel;  // oneDNN chooses when it knows the extents
    layer.why_float = step.info.why_float;
    layer.total_ms = context.profile()[s].total_ms;
    layer.runs = context.profile()[s].runs;
    std::vector<Dims> in;
    std::vector<Dims> out;
    const auto note = [&](int v, std::vector<Dims>& dims) {
      dims.push_back(context.dims(v));
      const plan::ValueInfo& value = model.values[static_cast<size_t>(v)];
      if (!value.constant && step.step->AliasInput() < 0) {
        layer.activation_bytes += dims.back().Numel() * static_cast<int64_t>(SizeOf(value.dtype));
      }
    };
    for (int v : step.inputs) note(v, in);
    for (int v : step.outputs) note(v, out);
    layer.multiply_adds = step.step->MultiplyAdds(in, out);
    if (!in.empty()) layer.input_dims.assign(in[0].span().begin(), in[0].span().end());
    if (!out.empty()) layer.output_dims.assign(out[0].span().begin(), out[0].span().end());
  }
  return layers;
}

void Session::ResetProfile() { impl_->context.ResetProfile(); }
const std::vector<std::string>& Session::warnings() const { return impl_->warnings; }
std::string_view Session::isa() const { return Name(impl_->context.model().isa); }
Precision Session::precision() const { return impl_->context.model().precision; }
size_t Session::activation_bytes() const { return impl_->context.arena_bytes(); }

}  // namespace skiff
