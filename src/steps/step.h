// Step: what a plan is made of. One step reads some buffers and writes others.
//
// A Step is immutable after it was made and shared by every clone and thread; what it must remember
// for one thread and one set of shapes (oneDNN primitives) is its StepState, which the caller
// keeps.
//   Reshape: the shape program. Given the extents of the inputs, says those of the outputs and how
//            much scratch memory Run needs. May allocate (in the state). Called when shapes change.
//   Run:     the hot path. No allocation, lock or exception.
// Extents are logical (N, C, H, W) whatever the memory layout; a step knows its layouts from the
// time it was made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/dims.h"
#include "base/dtype.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "steps/kernel_choice.h"

namespace skiff::steps {

// Small integer tensors whose values shapes depend on (outputs of shape, slice, fill_constant ...),
// known while the shape program runs.
struct IntValues {
  static constexpr int kMax = 16;
  int count = 0;
  std::array<int64_t, kMax> v{};
};

struct TensorShape {
  Dims dims;
  bool has_ints = false;
  IntValues ints;
};

class StepState {
 public:
  virtual ~StepState() = default;
};

class ShapeContext {
 public:
  ShapeContext(std::span<const TensorShape* const> in, std::span<TensorShape* const> out,
               StepState* state, int threads)
      : in_(in), out_(out), state_(state), threads_(threads) {}

  [[nodiscard]] int inputs() const { return static_cast<int>(in_.size()); }
  [[nodiscard]] int outputs() const { return static_cast<int>(out_.size()); }
  [[nodiscard]] const Dims& in(int i) const { return in_[static_cast<size_t>(i)]->dims; }
  // Null when the values are not known before the run.
  [[nodiscard]] const IntValues* ints(int i) const {
    const TensorShape* t = in_[static_cast<size_t>(i)];
    return t->has_ints ? &t->ints : nullptr;
  }
  void set_out(int j, const Dims& dims) {
    TensorShape* t = out_[static_cast<size_t>(j)];
    t->dims = dims;
    t->has_ints = false;
  }
  // After set_out.
  void set_out_ints(int j, const IntValues& ints) {
    TensorShape* t = out_[static_cast<size_t>(j)];
    t->ints = ints;
    t->has_ints = true;
  }
  void set_workspace(size_t bytes) { workspace_ = bytes; }
  [[nodiscard]] size_t workspace() const { return workspace_; }
  [[nodiscard]] StepState* state() const { return state_; }
  [[nodiscard]] int threads() const { return threads_; }

 private:
  std::span<const TensorShape* const> in_;
  std::span<TensorShape* const> out_;
  StepState* state_;
  int threads_;
  size_t workspace_ = 0;
};

struct Tensor {
  void* data = nullptr;
  Dims dims;
  // In NHWC, elements from one pixel to the next, where its channels are some of a wider tensor's;
  // 0: it is dense.
  int64_t pixel_stride = 0;
  template <typename T>
  [[nodiscard]] T* As() const {
    return static_cast<T*>(data);
  }
  // REQUIRES: NHWC.
  [[nodiscard]] int64_t PixelStride() const { return pixel_stride == 0 ? dims[1] : pixel_stride; }
};

struct RunContext {
  std::span<const Tensor> in;
  std::span<const Tensor> out;
  std::byte* workspace = nullptr;  // 64-byte aligned, as many bytes as Reshape asked for
  StepState* state = nullptr;
  ThreadPool* pool = nullptr;  // never null; a pool of one thread runs inline
};

// What `explain` and the profiler print.
struct StepInfo {
  std::string op;         // Paddle's operator type
  std::string name;       // the node's name
  std::string precision;  // "int8", "fp32", "int32" ...: what it computes in
  std::string kernel;     // "conv_u7s8_4x16_avx2", "onednn:jit:avx2"
  std::string why_float;  // why not INT8; empty when it is, or when nobody would expect it
};

class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;

  [[nodiscard]] virtual std::unique_ptr<StepState> NewState() const { return nullptr; }
  [[nodiscard]] virtual Status Reshape(ShapeContext& shapes) const = 0;
  [[nodiscard]] virtual Status Run(const RunContext& run) const noexcept = 0;
  // The kernel's name and precision; op, name and why_float are filled in by the plan.
  [[nodiscard]] virtual StepInfo Info() const = 0;
  // Output 0 is input `AliasInput()` under another shape: Run does nothing. -1: it is not.
  [[nodiscard]] virtual int AliasInput() const { return -1; }
  // Output 0 may be written over input `InPlaceInput()` where nobody else reads that. -1: never.
  [[nodiscard]] virtual int InPlaceInput() const { return -1; }
  // Does Run write output 0, in NHWC, at its pixel_stride? Those of other steps are dense.
  [[nodiscard]] virtual bool WritesStrided() const { return false; }
  // Output 0 is the channels of the inputs, one input after the other, all in NHWC: those that lie
  // there already are left alone.
  [[nodiscard]] virtual bool JoinsChannels() const { return false; }
  // May Run read a little past the end of this input (kBufferSlack)? A step that says no can read
  // the user's own memory.
  [[nodiscard]] virtual bool ReadsPastEnd(int input) const {
    (void)input;
    return true;
  }
  // The weights that Run reads first, if it reads any that may lie far away by then; else null.
  [[nodiscard]] virtual const void* FirstWeights() const { return nullptr; }
  // Run may fetch those of a later step when it has no more weights of its own to fetch. To be
  // called before the step is shared.
  virtual void SetNextWeights(const void* weights) { (void)weights; }
  // How many bytes of weights a run reads, whatever its extents; 0 where they are few.
  [[nodiscard]] virtual size_t WeightBytes() const { return 0; }
  // Where all inputs and outputs have as many images (elements of the outermost extent), but for
  // inputs that are constants without images: does Run on a part of the images compute that part of
  // the outputs? `x` is input 0, never such a constant.
  [[nodiscard]] virtual bool SplitsByImage(const Dims& x) const {
    (void)x;
    return false;
  }
  // Equal kernels that this step could run on at the extents given, with so many threads.
  [[nodiscard]] virtual KernelCandidates Candidates(std::span<const Dims> in,
                                                    std::span<const Dims> out, int threads) const {
    (void)in;
    (void)out;
    (void)threads;
    return {};
  }
  // Multiply-adds of one run at the extents given, for rooflines; 0 where it makes no sense.
  [[nodiscard]] virtual int64_t MultiplyAdds(std::span<const Dims> in,
                                             std::span<const Dims> out) const {
    (void)in;
    (void)out;
    return 0;
  }
};

// Every buffer that a step reads or writes can be read this many bytes past its end (kernels load
// whole vectors). Inputs and outputs of the user are copied or converted first.
inline constexpr size_t kBufferSlack = 64;

}  // namespace skiff::steps
