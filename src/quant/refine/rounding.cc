#include "quant/refine/rounding.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "onednn/gemm.h"

namespace skiff::quant {
namespace {

constexpr float kMaxCode = 127;
constexpr int kSweeps = 8;
// Columns whose changes reach the others' gradients together, in one matrix product.
constexpr int64_t kBlock = 64;

class Descent {
 public:
  Descent(const RoundingProblem& problem, int threads, std::span<int8_t> codes)
      : p_(problem), threads_(threads), codes_(codes), first_(codes.begin(), codes.end()) {}

  Status Run() {
    SKIFF_RETURN_IF_ERROR(StartGradient());
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      int64_t changes = 0;
      for (int64_t begin = 0; begin < p_.length; begin += kBlock) {
        const int64_t width = std::min(kBlock, p_.length - begin);
        const int64_t changed = MoveBlock(begin, width);
        changes += changed;
        if (changed > 0) SKIFF_RETURN_IF_ERROR(UpdateGradient(begin, width));
      }
      if (changes * 1000 < p_.outputs * p_.length) break;
    }
    return OkStatus();
  }

 private:
  // H w^ - b.
  Status StartGradient() {
    gradient_.assign(p_.target.begin(), p_.target.end());
    for (float& g : gradient_) g = -g;
    std::vector<float> w(codes_.size());
    for (size_t i = 0; i < w.size(); ++i) w[i] = Step(i) * static_cast<float>(codes_[i]);
    return Multiply(w.data(), p_.length, 0, p_.length);
  }

  [[nodiscard]] float Step(size_t i) const { return p_.steps[i / static_cast<size_t>(p_.length)]; }

  // gradient += change H, where `change` holds the columns from `begin` on.
  Status Multiply(const float* change, int64_t width, int64_t begin, int64_t ld) {
    onednn::GemmSpec spec{.m = p_.outputs, .n = p_.length, .k = width};
    spec.lda = ld;
    spec.ldb = p_.length;
    spec.ldc = p_.length;
    spec.beta = 1;
    return onednn::Gemm(spec, change, p_.gram.data() + begin * p_.length, gradient_.data(),
                        threads_);
  }

  Status UpdateGradient(int64_t begin, int64_t width) {
    return Multiply(change_.data(), width, begin, kBlock);
  }

  // Moves the codes of some columns; fills change_ [outputs, kBlock].
  int64_t MoveBlock(int64_t begin, int64_t width) {
    change_.assign(static_cast<size_t>(p_.outputs * kBlock), 0.0F);
    int64_t changes = 0;
    float gradient[kBlock];
    for (int64_t o = 0; o < p_.outputs; ++o) {
      const float step = p_.steps[static_cast<size_t>(o)];
      std::copy_n(gradient_.data() + o * p_.length + begin, width, gradient);
      int8_t* codes = codes_.data() + o * p_.length + begin;
      const int8_t* first = first_.data() + o * p_.length + begin;
      for (int64_t j = 0; j < width; ++j) {
        const float* row = p_.gram.data() + (begin + j) * p_.length + begin;
        const float best = static_cast<float>(codes[j]) - gradient[j] / (row[j] * step);
        const float code = std::clamp(std::nearbyint(best), std::max(first[j] - 1.0F, -kMaxCode),
                                      std::min(first[j] + 1.0F, kMaxCode));
        const float change = (code - static_cast<float>(codes[j])) * step;
        if (change == 0) continue;
        codes[j] = static_cast<int8_t>(code);
        change_[static_cast<size_t>(o * kBlock + j)] = change;
        ++changes;
        for (int64_t i = 0; i < width; ++i) gradient[i] += change * row[i];
      }
    }
    return changes;
  }

  const RoundingProblem& p_;
  int threads_;
  std::span<int8_t> codes_;
  std::vector<int8_t> first_;
  std::vector<float> gradient_;  // [outputs, length]
  std::vector<float> change_;
};

}  // namespace

Status RoundToOutputs(const RoundingProblem& problem, int threads, std::span<int8_t> codes) {
  return Descent(problem, threads, codes).Run();
}

}  // namespace skiff::quant
