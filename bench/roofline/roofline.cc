// What one core of this machine can do: the peak of each rung's multiply-adds and the bandwidth of
// each level of memory, as JSON. The machine must be idle.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned.h"
#include "base/caches.h"
#include "base/isa.h"
#include "roofline/chains.h"

namespace skiff::bench {
namespace {

constexpr int kTrials = 25;
constexpr double kTrialSeconds = 4e-3;  // short: some trials then pass without an interruption

struct Rung {
  Isa isa;
  Chains (*chains)();
};
constexpr Rung kRungs[] = {{Isa::kAvx2, avx2::All},
                           {Isa::kAvxVnni, avx_vnni::All},
                           {Isa::kAvx512bw, avx512bw::All},
                           {Isa::kAvx512Vnni, avx512_vnni::All},
                           {Isa::kAmx, amx::All}};

double Seconds(const auto& work, int64_t n) {
  const auto begin = std::chrono::steady_clock::now();
  work(n);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Cycles a second, from multiplications of 3 cycles each that wait for each other.
double Clock() {
  constexpr int kRounds = 20000;
  const double seconds = Seconds(
      [](int64_t rounds) {
        uint64_t x = 1;
        for (int64_t i = 0; i < rounds; ++i) {
          __asm__ volatile(
              "imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n"
              "imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n imul $3, %0, %0\n"
              : "+r"(x));
        }
      },
      kRounds);
  return kRounds * 8 * 3 / seconds;
}

struct Cost {
  double seconds = 0;
  double cycles = 0;
};

// Of one of the n parts that `work(n)` does: medians. The clock is read beside every trial, because
// it moves from one moment to the next.
template <typename Work>
Cost Measure(const Work& work) {
  int64_t n = 1;
  while (Seconds(work, n) < kTrialSeconds) n *= 2;
  std::vector<double> seconds;
  std::vector<double> cycles;
  for (int trial = 0; trial < kTrials; ++trial) {
    const double before = Clock();
    seconds.push_back(Seconds(work, n) / static_cast<double>(n));
    cycles.push_back(seconds.back() * (before + Clock()) / 2);
  }
  return {Median(seconds), Median(cycles)};
}

// The chains of a rung and of those below that may run with it, by kind.
std::string PeaksJson(Isa selected) {
  std::string kinds;
  for (const char* kind : {"fp32", "bf16", "int8", "int8 signed"}) {
    std::string chains;
    for (const Rung& rung : kRungs) {
      if (!Allows(selected, rung.isa)) continue;
      const Chains all = rung.chains();
      for (const Chain* chain = all.first; chain < all.first + all.count; ++chain) {
        if (std::string(chain->kind) != kind) continue;
        const double per_cycle =
            static_cast<double>(chain->multiply_adds) / Measure(chain->run).cycles;
        chains += (chains.empty() ? "\"" : ", \"") + std::string(chain->name) +
                  "\": " + std::to_string(per_cycle);
      }
    }
    if (chains.empty()) continue;
    kinds += (kinds.empty() ? "\"" : ", \"") + std::string(kind) + "\": {" + chains + "}";
  }
  return "{" + kinds + "}";
}

constexpr const char* kMemory = "memory";

struct Level {
  std::string name;
  int64_t bytes;
};

// The data caches, and then what none of them holds.
std::vector<Level> Levels() {
  std::vector<Level> levels;
  int64_t largest = 0;
  for (const CacheLevel& cache : DataCaches()) {
    largest = static_cast<int64_t>(cache.bytes);
    levels.push_back({"L" + std::to_string(cache.level), largest});
  }
  levels.push_back({kMemory, std::max<int64_t>(8 * largest, 256 << 20)});
  return levels;
}

// Of data that fill half of a cache; of memory, all.
std::string BandwidthJson(const Level& level) {
  const int64_t filled = level.name == kMemory ? level.bytes : level.bytes / 2;
  const size_t bytes = static_cast<size_t>(filled) / 512 * 512;
  AlignedBuffer data(bytes);
  data.Zero();
  const bool wide = Allows(SupportedIsas().back(), Isa::kAvx512bw);
  const Cost cost = Measure([&](int64_t n) {
    for (int64_t i = 0; i < n; ++i) (wide ? avx512bw::Read : avx2::Read)(data.As(), bytes);
  });
  const auto size = static_cast<double>(bytes);
  return "{\"level\": \"" + level.name + "\", \"bytes\": " + std::to_string(level.bytes) +
         ", \"bytes_per_cycle\": " + std::to_string(size / cost.cycles) +
         ", \"gb_per_s\": " + std::to_string(size / cost.seconds * 1e-9) + "}";
}

}  // namespace
}  // namespace skiff::bench

// With --clock: how many GHz the core runs at now, and nothing else.
int main(int argc, char** argv) {
  using namespace skiff;
  if (argc == 2 && std::string_view(argv[1]) == "--clock") {
    std::vector<double> clocks;
    for (int i = 0; i < bench::kTrials; ++i) clocks.push_back(bench::Clock());
    std::printf("%.3f\n", bench::Median(clocks) * 1e-9);
    return 0;
  }
  if (argc > 1 || !Allows(SupportedIsas().back(), Isa::kAvx2)) {
    std::fprintf(stderr, "usage: roofline [--clock], on a CPU with AVX2\n");
    return 2;
  }
  std::string peaks;
  for (Isa isa : SupportedIsas()) {
    if (isa == Isa::kScalar) continue;
    peaks += (peaks.empty() ? "" : ",\n  ") + ("\"" + std::string(Name(isa)) + "\": ") +
             bench::PeaksJson(isa);
  }
  std::string bandwidths;
  for (const bench::Level& level : bench::Levels()) {
    bandwidths += (bandwidths.empty() ? "" : ",\n  ") + bench::BandwidthJson(level);
  }
  std::printf("{\"cpu\": \"%s\",\n \"peaks_per_cycle\": {\n  %s},\n \"bandwidths\": [\n  %s]}\n",
              CpuName().c_str(), peaks.c_str(), bandwidths.c_str());
}
