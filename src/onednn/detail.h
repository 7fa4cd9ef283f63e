// What the files of this room share: oneDNN's headers, the engine, and the edge where its
// exceptions become Statuses. Included by no other room.
#pragma once

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>

#include "base/status.h"
#include "onednn/primitive.h"

namespace skiff::onednn {

const dnnl::engine& CpuEngine();

// Primitives are made for, and must run on, a number of OpenMP threads; the caller's own setting is
// put back.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()), threads_(threads) {
    if (before_ != threads_) omp_set_num_threads(threads_);
  }
  ~ThreadScope() {
    if (before_ != threads_) omp_set_num_threads(before_);
  }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
  int threads_;
};

// Runs fn, which returns a Result or Status; what it throws becomes "context: oneDNN's message".
template <typename Fn>
auto Guard(const std::string& context, Fn&& fn) -> decltype(fn()) {
  try {
    return std::forward<Fn>(fn)();
  } catch (const dnnl::error& e) {
    const bool refused = e.status == dnnl_unimplemented || e.status == dnnl_invalid_arguments;
    return Status(refused ? StatusCode::kUnsupported : StatusCode::kInternal,
                  context + ": oneDNN: " + e.message);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(context + ": out of memory");
  }
}

inline dnnl::memory::data_type TypeOf(Storage storage) {
  return storage == Storage::kBfloat16 ? dnnl::memory::data_type::bf16
                                       : dnnl::memory::data_type::f32;
}

// What happens to the sums.
dnnl::post_ops MakePostOps(const Epilogue& epilogue);
// Attributes of every primitive: the caller's scratchpad, and the epilogue.
dnnl::primitive_attr MakeAttributes(const Epilogue& epilogue);

struct Primitive::Impl {
  static constexpr int kMaxArgs = 6;

  // `bias` may be an empty memory. `weights` empty: an operand of each run.
  Impl(const dnnl::primitive& made, const dnnl::primitive_desc_base& description,
       const dnnl::memory& constant_weights, const float* bias);

  dnnl::primitive primitive;
  dnnl::stream stream;
  dnnl::memory src, weights, bias_memory, dst, scratchpad;
  bool weights_bound = false;
  int arg_count = 0;
  dnnl_exec_arg_t args[kMaxArgs];
  size_t scratchpad_bytes = 0;
  std::string kernel;

  // A second primitive over the result, seen as `view`, in place; none when finish_arg_count is 0.
  void SetFinish(const dnnl::primitive& made, const dnnl::memory::desc& view,
                 const dnnl::memory& constant);
  dnnl::primitive finish;
  dnnl::memory finish_dst, finish_constant;
  int finish_arg_count = 0;
  dnnl_exec_arg_t finish_args[3];
};

// The primitive that oneDNN prefers for `description`, bound to its constants.
std::unique_ptr<Primitive> Wrap(const dnnl::primitive& made,
                                const dnnl::primitive_desc_base& description,
                                const dnnl::memory& constant_weights, const float* bias);

}  // namespace skiff::onednn
