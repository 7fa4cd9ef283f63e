// What the steps of int8_conv.h share, and the makers of each. Internal to the int8_* files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/isa.h"
#include "base/status.h"
#include "kernels/conv/conv.h"
#include "steps/int8_conv.h"
#include "steps/int8_grid.h"
#include "steps/step.h"
#include "steps/window.h"

namespace skiff::steps {

// A convolution's windows over one input.
struct ConvPlace {
  int64_t images = 0, in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  WindowAxis rows;
  WindowAxis columns;

  [[nodiscard]] int64_t positions() const { return images * out_h * out_w; }
};

// Everything about a convolution that its shape program needs.
struct ConvWindow {
  int64_t in_channels = 0, out_channels = 0;
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  PaddingRule rule = PaddingRule::kExplicit;
  WindowAxis vertical;
  WindowAxis horizontal;
  bool has_residual = false;
  int64_t multiply_adds_per_output = 0;

  [[nodiscard]] Result<ConvPlace> Place(const Dims& x) const;
  // Checks the inputs, sets the output's extents.
  [[nodiscard]] Status Reshape(ShapeContext& shapes, ConvPlace* place) const;
};

// What a step of one integer kernel tells of itself.
class KernelStep : public Step {
 public:
  [[nodiscard]] StepInfo Info() const final {
    StepInfo info;
    info.precision = "int8";
    info.kernel = kernel_name_;
    return info;
  }
  [[nodiscard]] KernelCandidates Candidates(std::span<const Dims> /*in*/,
                                            std::span<const Dims> /*out*/,
                                            int /*threads*/) const final {
    return candidates_;
  }
  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> /*in*/,
                                     std::span<const Dims> out) const final {
    return out[0].Numel() * multiply_adds_per_output_;
  }

 protected:
  KernelStep(const char* kernel_name, int64_t multiply_adds_per_output,
             KernelCandidates candidates = {})
      : kernel_name_(kernel_name),
        multiply_adds_per_output_(multiply_adds_per_output),
        candidates_(std::move(candidates)) {}

 private:
  const char* kernel_name_;  // of the kernels' list
  int64_t multiply_adds_per_output_;
  KernelCandidates candidates_;
};

// The kernel for one layer and its weights, a pack per group.
struct ChosenConv {
  const kernels::ConvKernel* kernel = nullptr;
  std::vector<kernels::PackedConv> groups;
  KernelCandidates candidates;
};
// Of all groups' weights.
size_t PackedBytes(std::span<const kernels::PackedConv> groups);
// The best kernel for codes on `input`: the one that `choices`, which may be null, names for
// `layer`, or the cost model's. That passes over a kernel that pre-adds where the weights of this
// layer would make it repair too much.
ChosenConv ChooseConv(const CodeGrid& input, std::span<const kernels::ConvFilter> filters, Isa isa,
                      std::string layer, const KernelChoices* choices);

// Splits the positions and panels of `run` over the pool. `scratch` is ConvScratchBytes(run,
// positions) for each of the pool's threads.
void RunConvOnPool(const kernels::ConvRun& run, int64_t positions, std::byte* scratch,
                   ThreadPool* pool);

// Any convolution, as an implicit matrix product. REQUIRES: the spec was checked.
Result<std::unique_ptr<Step>> MakeGeneralConv(const Int8ConvSpec& spec, const ConvWindow& window,
                                              OwnedEpilogue epilogue, Isa isa);

// As many groups as input and output channels. REQUIRES: the spec was checked.
Result<std::unique_ptr<Step>> MakeDepthwiseConv(const Int8ConvSpec& spec, const ConvWindow& window,
                                                OwnedEpilogue epilogue, Isa isa);

}  // namespace skiff::steps
