// Multiply-adds per nanosecond of every depthwise kernel on layers of MobileNetV2 and PP-OCR, hot
// in cache, one thread.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/depthwise/depthwise.h"

namespace skiff::kernels {
namespace {

struct Layer {
  int64_t size, channels, kernel, stride;
};

constexpr Layer kLayers[] = {{112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {28, 192, 3, 1},
                             {14, 384, 3, 1}, {14, 576, 3, 2}, {7, 960, 3, 1},  {24, 64, 5, 1},
                             {28, 120, 5, 2}, {12, 96, 5, 1},  {24, 8, 3, 1},   {24, 40, 3, 1}};

void Bench(const DepthwiseKernel& kernel, const Layer& l) {
  const int64_t pad = l.kernel / 2;
  const int64_t out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
  std::mt19937 engine(1);
  AlignedBuffer src(static_cast<size_t>(l.size * l.size * l.channels + 64));
  for (size_t i = 0; i < src.size(); ++i) src.As<uint8_t>()[i] = engine() % 128;
  std::vector<int8_t> filter(static_cast<size_t>(l.channels * l.kernel * l.kernel));
  for (int8_t& w : filter) w = static_cast<int8_t>(static_cast<int>(engine() % 255) - 127);
  const std::vector<float> m(static_cast<size_t>(l.channels + kEpilogueSlack), 0.001F);
  Epilogue e;
  e.m = e.b = m.data();
  e.hi = 127;
  ClampCodes(&e, l.channels, INT32_MAX);
  const PackedDepthwise packed =
      PackDepthwise(kernel, l.channels, l.kernel, l.kernel, filter.data(), e);
  AlignedBuffer zeros(static_cast<size_t>(l.size * l.channels + 64));
  zeros.Zero();
  AlignedBuffer dst(static_cast<size_t>(out * out * l.channels));
  DepthwiseRun run;
  run.kernel = &kernel;
  run.geometry = {l.size,   l.size,   l.channels, out, out, l.kernel, l.kernel,
                  l.stride, l.stride, 1,          1,   pad, pad};
  run.channels = l.channels;
  run.input = src.As();
  run.zeros = zeros.As();
  run.packed = &packed;
  run.epilogue = &e;
  run.dst = dst.As();
  run.dst_stride = l.channels;
  double best = 1e30;
  for (int i = 0; i < 300; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t row = 0; row < out; ++row) RunDepthwiseRow(run, row);
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
    best = std::min(best, time.count());
  }
  const auto macs = static_cast<double>(out * out * l.channels * l.kernel * l.kernel);
  std::printf("%-27s %3ld x %-3ld %4ld channels %ldx%ld stride %ld %8.2f us %6.2f\n", kernel.name,
              l.size, l.size, l.channels, l.kernel, l.kernel, l.stride, best / 1000, macs / best);
}

}  // namespace
}  // namespace skiff::kernels

int main(int argc, char** argv) {
  for (const skiff::kernels::DepthwiseKernel& kernel : skiff::kernels::DepthwiseKernels()) {
    if (argc > 1 ? std::strstr(kernel.name, argv[1]) == nullptr
                 : !skiff::Allows(skiff::SupportedIsas().back(), kernel.isa)) {
      continue;
    }
    for (const auto& layer : skiff::kernels::kLayers) skiff::kernels::Bench(kernel, layer);
  }
}
