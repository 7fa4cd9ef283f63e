// Multiply-adds per core cycle of every convolution kernel on layers of ResNet50 and MobileNetV2,
// hot in cache, one thread. The clock is measured beside, in a loop of known length, so that the
// figures hold on a machine whose frequency moves.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

struct Layer {
  int64_t size, in, out, kernel, stride;
};

constexpr Layer kLayers[] = {
    {56, 64, 64, 1, 1},   {56, 64, 64, 3, 1},   {56, 64, 256, 1, 1},   {28, 128, 128, 3, 1},
    {28, 128, 512, 1, 1}, {14, 256, 256, 3, 1}, {14, 1024, 256, 1, 1}, {7, 512, 512, 3, 1},
    {7, 512, 2048, 1, 1}, {112, 32, 16, 1, 1},  {112, 16, 96, 1, 1},   {56, 144, 24, 1, 1},
    {56, 24, 144, 1, 1},  {28, 192, 32, 1, 1},  {14, 384, 64, 1, 1},   {14, 96, 576, 1, 1},
    {7, 960, 160, 1, 1},  {7, 320, 1280, 1, 1},
};

// Ticks of the time stamp counter per core cycle, from a chain of multiplications of 3 cycles each.
double TicksPerCycle() {
  constexpr int kRounds = 1000;
  uint64_t best = UINT64_MAX;
  for (int round = 0; round < 20; ++round) {
    uint64_t x = 1;
    const uint64_t begin = __builtin_ia32_rdtsc();
    for (int i = 0; i < kRounds; ++i) {
      __asm__ volatile(
          "imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n"
          "imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n"
          : "+r"(x));
    }
    best = std::min<uint64_t>(best, __builtin_ia32_rdtsc() - begin);
  }
  return static_cast<double>(best) / (kRounds * 8 * 3);
}

void Bench(const ConvKernel& kernel, const Layer& l) {
  const int64_t pad = l.kernel / 2;
  const int64_t out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
  const int64_t taps = l.kernel * l.kernel;
  const int64_t element = ElementBytes(kernel.input);
  std::mt19937 engine(1);
  AlignedBuffer src(static_cast<size_t>(l.size * l.size * l.in * element));
  if (element == 1) {
    for (size_t i = 0; i < src.size(); ++i) src.As<uint8_t>()[i] = engine() % 128;
  } else {
    for (size_t i = 0; i < src.size() / 2; ++i) {
      src.As<int16_t>()[i] = static_cast<int16_t>(static_cast<int>(engine() % 255) - 127);
    }
  }
  std::normal_distribution<float> normal(0, 35);
  std::vector<int8_t> filter(static_cast<size_t>(l.out * l.in * taps));
  for (int8_t& w : filter) w = static_cast<int8_t>(std::clamp(normal(engine), -127.0F, 127.0F));
  const std::vector<float> m(static_cast<size_t>(l.out + kEpilogueSlack), 0.001F);
  Epilogue e;
  e.m = e.b = m.data();
  e.hi = 127;
  ClampCodes(&e, l.out, INT32_MAX);
  std::vector<PackedConv> groups;
  groups.push_back(PackConv(kernel, {.data = filter.data(),
                                     .out_channels = l.out,
                                     .taps = taps,
                                     .inner_depth = l.in,
                                     .stride_o = l.in * taps,
                                     .stride_tap = 1,
                                     .stride_inner = taps}));
  AlignedBuffer zeros(static_cast<size_t>(l.in * element));
  zeros.Zero();
  AlignedBuffer dst(static_cast<size_t>(out * out * l.out));
  ConvRun run;
  run.kernel = &kernel;
  run.geometry = {l.size,   l.size,   l.in * element, out, out, l.kernel,
                  l.kernel, l.stride, l.stride,       1,   1,   pad,
                  pad};
  run.groups = groups;
  run.input = src.As();
  run.zeros = zeros.As();
  run.epilogue = &e;
  run.dst = dst.As();
  run.dst_stride = l.out;
  AlignedBuffer scratch(ConvScratchBytes(run, out * out));
  // Short enough to be done between two interruptions.
  const int64_t depth = l.in * taps;
  const int64_t positions = std::min(out * out, std::max<int64_t>(48, 4000000 / (l.out * depth)));
  const double macs = static_cast<double>(positions * l.out * depth);
  double best = 1e30;
  for (int i = 0; i < 300; ++i) {
    const uint64_t begin = __builtin_ia32_rdtsc();
    RunConvPart(run, 0, positions, 0, groups[0].panels, scratch.As());
    best = std::min(best, static_cast<double>(__builtin_ia32_rdtsc() - begin));
  }
  std::printf("%-27s %3ld x %-3ld %4ld -> %-4ld %ldx%ld %6.2f multiply-adds a cycle, %zu fix-ups\n",
              kernel.name, l.size, l.size, l.in, l.out, l.kernel, l.kernel,
              macs / best * TicksPerCycle(), groups[0].pairs.fixups.size());
}

}  // namespace
}  // namespace skiff::kernels

int main(int argc, char** argv) {
  for (const skiff::kernels::ConvKernel& kernel : skiff::kernels::ConvKernels()) {
    if (argc > 1 ? std::strstr(kernel.name, argv[1]) == nullptr
                 : !skiff::Allows(skiff::SupportedIsas().back(), kernel.isa)) {
      continue;
    }
    for (const auto& layer : skiff::kernels::kLayers) skiff::kernels::Bench(kernel, layer);
  }
}
