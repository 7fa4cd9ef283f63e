#include "quant/refine/moments.h"

#include "onednn/gemm.h"

namespace skiff::quant {
namespace {

// Below this many products in a row, a call costs more than the loop.
constexpr int64_t kSmall = 32;

}  // namespace

Moments::Moments(const Patches& patches, bool second)
    : groups_(patches.groups()),
      outputs_(patches.outputs()),
      length_(patches.length()),
      second_(second) {
  patches_.resize(static_cast<size_t>(kRows * groups_ * length_));
  wanted_.resize(static_cast<size_t>(kRows * groups_ * outputs_));
  patch_mean_.resize(static_cast<size_t>(groups_ * length_));
  output_mean_.resize(static_cast<size_t>(groups_ * outputs_));
  if (!second) return;
  gram_.resize(static_cast<size_t>(groups_ * length_ * length_));
  cross_.resize(static_cast<size_t>(groups_ * outputs_ * length_));
}

size_t Moments::Bytes(const Patches& patches, bool second) {
  const int64_t row = patches.groups() * (patches.length() + patches.outputs());
  const int64_t products =
      second ? patches.groups() * patches.length() * (patches.length() + patches.outputs()) : 0;
  return static_cast<size_t>(products + row * kRows) * sizeof(float);
}

float* Moments::patch() { return patches_.data() + filled_ * groups_ * length_; }
float* Moments::output() { return wanted_.data() + filled_ * groups_ * outputs_; }
float* Moments::gram(int64_t group) { return gram_.data() + group * length_ * length_; }
float* Moments::cross(int64_t group) { return cross_.data() + group * outputs_ * length_; }

Status Moments::Commit(int threads) { return ++filled_ == kRows ? Flush(threads) : OkStatus(); }

Status Moments::Flush(int threads) {
  if (filled_ == 0) return OkStatus();
  for (int64_t r = 0; r < filled_; ++r) {
    const float* patch = patches_.data() + r * groups_ * length_;
    const float* wanted = wanted_.data() + r * groups_ * outputs_;
    for (size_t k = 0; k < patch_mean_.size(); ++k) patch_mean_[k] += patch[k];
    for (size_t o = 0; o < output_mean_.size(); ++o) output_mean_[o] += wanted[o];
  }
  if (second_) {
    SKIFF_RETURN_IF_ERROR(length_ < kSmall ? AddSmallGroups() : AddLargeGroups(threads));
  }
  rows_ += filled_;
  filled_ = 0;
  return OkStatus();
}

Status Moments::AddSmallGroups() {
  for (int64_t r = 0; r < filled_; ++r) {
    for (int64_t g = 0; g < groups_; ++g) {
      const float* patch = patches_.data() + (r * groups_ + g) * length_;
      const float* wanted = wanted_.data() + (r * groups_ + g) * outputs_;
      for (int64_t i = 0; i < length_; ++i) {
        float* row = gram(g) + i * length_;
        for (int64_t k = 0; k < length_; ++k) row[k] += patch[i] * patch[k];
      }
      for (int64_t o = 0; o < outputs_; ++o) {
        float* row = cross(g) + o * length_;
        for (int64_t k = 0; k < length_; ++k) row[k] += wanted[o] * patch[k];
      }
    }
  }
  return OkStatus();
}

Status Moments::AddLargeGroups(int threads) {
  for (int64_t g = 0; g < groups_; ++g) {
    const float* patches = patches_.data() + g * length_;
    onednn::GemmSpec spec{.m = length_, .n = length_, .k = filled_, .transpose_a = true};
    spec.lda = groups_ * length_;
    spec.ldb = groups_ * length_;
    spec.ldc = length_;
    spec.beta = 1;
    SKIFF_RETURN_IF_ERROR(onednn::Gemm(spec, patches, patches, gram(g), threads));
    spec.m = outputs_;
    spec.lda = groups_ * outputs_;
    SKIFF_RETURN_IF_ERROR(
        onednn::Gemm(spec, wanted_.data() + g * outputs_, patches, cross(g), threads));
  }
  return OkStatus();
}

Status Moments::Finish(bool centred, int threads) {
  SKIFF_RETURN_IF_ERROR(Flush(threads));
  const double share = rows_ > 0 ? 1.0 / static_cast<double>(rows_) : 0;
  for (double& v : patch_mean_) v *= share;
  for (double& v : output_mean_) v *= share;
  for (float& v : gram_) v = static_cast<float>(v * share);
  for (float& v : cross_) v = static_cast<float>(v * share);
  if (centred && second_) Centre();
  return OkStatus();
}

void Moments::Centre() {
  for (int64_t g = 0; g < groups_; ++g) {
    const double* patch = patch_mean_.data() + g * length_;
    const double* wanted = output_mean_.data() + g * outputs_;
    for (int64_t i = 0; i < length_; ++i) {
      float* row = gram(g) + i * length_;
      for (int64_t k = 0; k < length_; ++k) row[k] -= static_cast<float>(patch[i] * patch[k]);
    }
    for (int64_t o = 0; o < outputs_; ++o) {
      float* row = cross(g) + o * length_;
      for (int64_t k = 0; k < length_; ++k) row[k] -= static_cast<float>(wanted[o] * patch[k]);
    }
  }
}

}  // namespace skiff::quant
