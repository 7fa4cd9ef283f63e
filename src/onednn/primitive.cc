#include "onednn/primitive.h"

#include "onednn/detail.h"

namespace skiff::onednn {
namespace {

void AppendActivation(const Epilogue& epilogue, dnnl::post_ops& ops) {
  using dnnl::algorithm;
  const auto add = [&ops](algorithm kind, float alpha, float beta) {
    ops.append_eltwise(kind, alpha, beta);
  };
  switch (epilogue.activation) {
    case Activation::kNone: return;
    case Activation::kRelu: return add(algorithm::eltwise_relu, 0, 0);
    case Activation::kLeakyRelu: return add(algorithm::eltwise_relu, epilogue.alpha, 0);
    case Activation::kHardSwish: return add(algorithm::eltwise_hardswish, 1.0F / 6.0F, 0.5F);
    case Activation::kHardSigmoid:
      return add(algorithm::eltwise_hardsigmoid, epilogue.alpha, epilogue.beta);
    case Activation::kSigmoid: return add(algorithm::eltwise_logistic, 0, 0);
    case Activation::kSwish: return add(algorithm::eltwise_swish, epilogue.alpha, 0);
    case Activation::kTanh: return add(algorithm::eltwise_tanh, 0, 0);
    case Activation::kGeluErf: return add(algorithm::eltwise_gelu_erf, 0, 0);
    case Activation::kGeluTanh: return add(algorithm::eltwise_gelu_tanh, 0, 0);
    case Activation::kMish: return add(algorithm::eltwise_mish, 0, 0);
    case Activation::kAbs: return add(algorithm::eltwise_abs, 0, 0);
    case Activation::kSqrt: return add(algorithm::eltwise_sqrt, 0, 0);
    case Activation::kClip: return add(algorithm::eltwise_clip, epilogue.alpha, epilogue.beta);
  }
}

}  // namespace

const dnnl::engine& CpuEngine() {
  static const auto* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::post_ops MakePostOps(const Epilogue& epilogue) {
  dnnl::post_ops ops;
  if (epilogue.scale != 1.0F)
    ops.append_eltwise(dnnl::algorithm::eltwise_linear, epilogue.scale, 0);
  if (epilogue.residual) ops.append_sum();
  AppendActivation(epilogue, ops);
  return ops;
}

dnnl::primitive_attr MakeAttributes(const Epilogue& epilogue) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(MakePostOps(epilogue));
  return attributes;
}

Primitive::Impl::Impl(const dnnl::primitive& made, const dnnl::primitive_desc_base& description,
                      const dnnl::memory& constant_weights, const float* bias)
    : primitive(made), stream(CpuEngine()), kernel(description.impl_info_str()) {
  const auto query = [&](dnnl::query what) { return description.query_md(what, 0); };
  const auto bind = [this](int which, const dnnl::memory& memory) {
    args[arg_count++] = {which, memory.get()};
  };
  src = dnnl::memory(query(dnnl::query::src_md), CpuEngine(), nullptr);
  dst = dnnl::memory(query(dnnl::query::dst_md), CpuEngine(), nullptr);
  scratchpad = dnnl::memory(query(dnnl::query::scratchpad_md), CpuEngine(), nullptr);
  scratchpad_bytes = scratchpad.get_desc().get_size();
  weights_bound = constant_weights.get(/*allow_empty=*/true) == nullptr;
  weights = weights_bound ? dnnl::memory(query(dnnl::query::weights_md), CpuEngine(), nullptr)
                          : constant_weights;
  bind(DNNL_ARG_SRC, src);
  bind(DNNL_ARG_WEIGHTS, weights);
  bind(DNNL_ARG_DST, dst);
  bind(DNNL_ARG_SCRATCHPAD, scratchpad);
  if (bias != nullptr) {
    bias_memory = dnnl::memory(description.query_md(dnnl::query::weights_md, 1), CpuEngine(),
                               const_cast<float*>(bias));
    bind(DNNL_ARG_BIAS, bias_memory);
  }
}

void Primitive::Impl::SetFinish(const dnnl::primitive& made, const dnnl::memory::desc& view,
                                const dnnl::memory& constant) {
  finish = made;
  finish_dst = dnnl::memory(view, CpuEngine(), nullptr);
  finish_constant = constant;
  finish_args[0] = {DNNL_ARG_SRC_0, finish_dst.get()};
  finish_args[1] = {DNNL_ARG_SRC_1, finish_constant.get()};
  finish_args[2] = {DNNL_ARG_DST, finish_dst.get()};
  finish_arg_count = 3;
}

std::unique_ptr<Primitive> Wrap(const dnnl::primitive& made,
                                const dnnl::primitive_desc_base& description,
                                const dnnl::memory& constant_weights, const float* bias) {
  return std::make_unique<Primitive>(
      std::make_unique<Primitive::Impl>(made, description, constant_weights, bias));
}

Primitive::Primitive(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Primitive::~Primitive() = default;

size_t Primitive::scratchpad_bytes() const { return impl_->scratchpad_bytes; }
const std::string& Primitive::kernel() const { return impl_->kernel; }

Status Primitive::Execute(const Buffers& buffers, int threads) noexcept {
  // The C interface: the C++ one would build a map of the arguments at each run.
  Impl& p = *impl_;
  dnnl_memory_set_data_handle(p.src.get(), const_cast<void*>(buffers.src));
  dnnl_memory_set_data_handle(p.dst.get(), buffers.dst);
  dnnl_memory_set_data_handle(p.scratchpad.get(), buffers.scratchpad);
  if (p.weights_bound) {
    dnnl_memory_set_data_handle(p.weights.get(), const_cast<void*>(buffers.weights));
  }
  const ThreadScope scope(threads);
  dnnl_status_t status =
      dnnl_primitive_execute(p.primitive.get(), p.stream.get(), p.arg_count, p.args);
  if (status == dnnl_success && p.finish_arg_count > 0) {
    dnnl_memory_set_data_handle(p.finish_dst.get(), buffers.dst);
    status =
        dnnl_primitive_execute(p.finish.get(), p.stream.get(), p.finish_arg_count, p.finish_args);
  }
  if (status != dnnl_success) [[unlikely]] {
    return Internal("oneDNN: " + p.kernel + " failed with status " + std::to_string(status));
  }
  return OkStatus();
}

}  // namespace skiff::onednn
