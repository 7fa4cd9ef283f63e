// Clones over several threads, each with its own extents: answers, memory and time.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/api/api_models.h"
#include "tests/threads/counting_allocator.h"

namespace skiff::api_tests {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif
constexpr int kClones = 64;
constexpr int kThreads = 8;
constexpr int kRuns = kSanitized ? 320 : 10000;

// Extents that take turns; the largest is the last.
const std::vector<std::vector<int>> kShapes = {{1, 3, 16, 16}, {2, 3, 16, 16}, {1, 3, 24, 16},
                                               {1, 3, 16, 32}, {3, 3, 8, 8},   {1, 3, 32, 32}};

int Threads() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    (void)entry;
    ++count;
  }
  return count;
}

long ResidentBytes() {
  long pages = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

// A clone with its handles, as a server keeps it.
struct Worker {
  explicit Worker(std::unique_ptr<paddle_infer::Predictor> clone)
      : predictor(std::move(clone)),
        input(predictor->GetInputHandle(predictor->GetInputNames()[0])),
        output(predictor->GetOutputHandle(predictor->GetOutputNames()[0])) {
    scores.resize(3000);
  }

  void Run(size_t shape, const std::vector<float>& pixels) {
    input->Reshape(kShapes[shape]);
    input->CopyFromCpu(pixels.data());
    predictor->Run();
    output->CopyToCpu(scores.data());
  }

  std::unique_ptr<paddle_infer::Predictor> predictor;
  std::unique_ptr<paddle_infer::Tensor> input;
  std::unique_ptr<paddle_infer::Tensor> output;
  std::vector<float> scores;
};

class ApiClones : public ::testing::Test {
 protected:
  void SetUp() override {
    predictor_ = paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8"));
    Worker one(predictor_->Clone());
    for (size_t s = 0; s < kShapes.size(); ++s) {
      pixels_.push_back(Pixels(kShapes[s], static_cast<int>(s)));
      one.Run(s, pixels_[s]);
      expected_.emplace_back(one.scores.begin(), one.scores.begin() + kShapes[s][0] * 1000);
    }
  }

  void Check(const Worker& worker, size_t shape) {
    if (!std::equal(expected_[shape].begin(), expected_[shape].end(), worker.scores.begin())) {
      ++wrong_;
    }
  }

  // Every clone is run by whichever thread is free next, one after the other.
  void RunAll(std::vector<Worker>& workers, int runs) {
    std::atomic<int> next{0};
    std::vector<std::atomic_flag> busy(workers.size());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = next++; i < runs; i = next++) {
          auto at = static_cast<size_t>(i) % workers.size();
          while (busy[at].test_and_set(std::memory_order_acquire)) at = (at + 1) % workers.size();
          const auto shape = static_cast<size_t>(i * 7 + i / 64) % kShapes.size();
          workers[at].Run(shape, pixels_[shape]);
          Check(workers[at], shape);
          busy[at].clear(std::memory_order_release);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::shared_ptr<paddle_infer::Predictor> predictor_;
  std::vector<std::vector<float>> pixels_;
  std::vector<std::vector<float>> expected_;
  std::atomic<int> wrong_{0};
};

TEST_F(ApiClones, ManyRunsOverThreadsGiveTheBytesOfOne) {
  std::vector<Worker> workers;
  for (int i = 0; i < kClones; ++i) workers.emplace_back(predictor_->Clone());
  // Every clone sees every extent once; from then on memory is flat.
  for (Worker& worker : workers) {
    for (size_t s = 0; s < kShapes.size(); ++s) worker.Run(s, pixels_[s]);
  }
  RunAll(workers, kThreads * 4);
  const long before = ResidentBytes();
  const auto start = std::chrono::steady_clock::now();
  RunAll(workers, kRuns);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const long grown = ResidentBytes() - before;
  std::printf("%d runs of %d clones on %d threads: %.1f s, memory grew by %ld KiB\n", kRuns,
              kClones, kThreads, elapsed.count(), grown / 1024);
  EXPECT_EQ(wrong_, 0);
  if (!kSanitized) {
    EXPECT_LT(grown, 5 << 20);
  }
}

TEST_F(ApiClones, AreMadeOnAnyThreadWhileTheOriginalRuns) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 4; ++i) {
        const size_t shape = (static_cast<size_t>(t) + i) % kShapes.size();
        Worker worker(predictor_->Clone());
        worker.Run(shape, pixels_[shape]);
        Check(worker, shape);
      }
    });
  }
  for (int i = 0; i < 8; ++i) RunOn(*predictor_, kShapes[0]);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong_, 0);
}

TEST_F(ApiClones, CostMicroseconds) {
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto clone = predictor_->Clone();
    const std::chrono::duration<double, std::micro> elapsed =
        std::chrono::steady_clock::now() - start;
    times.push_back(elapsed.count());
  }
  std::sort(times.begin(), times.end());
  std::printf("Clone: %.1f us at best, %.1f us median\n", times.front(), times[100]);
  // A copy of the weights alone would take a millisecond.
  if (!kSanitized) {
    EXPECT_LT(times.front(), 200);
  }
}

TEST_F(ApiClones, OneThreadMeansNoPool) {
  const int before = Threads();
  const auto clone = predictor_->Clone();
  RunOn(*clone, kShapes[0]);
  EXPECT_EQ(Threads(), before);
}

// The thread count that is asked for is cut to the CPUs that the process may use.
TEST(ApiThreads, FollowTheAffinityMask) {
  int with_one_cpu = 0;
  int before = 0;
  std::thread([&] {
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    before = Threads();
    paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
    config.SetCpuMathLibraryNumThreads(8);
    const auto predictor = paddle_infer::CreatePredictor(config);
    RunOn(*predictor, kShapes[0]);
    with_one_cpu = Threads();
  }).join();
  EXPECT_EQ(with_one_cpu, before);
}

TEST(ApiThreads, StartsAPoolWhereThereAreCpus) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  if (CPU_COUNT(&set) < 2) GTEST_SKIP() << "one CPU";
  const int before = Threads();
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.SetCpuMathLibraryNumThreads(2);
  auto predictor = paddle_infer::CreatePredictor(config);
  RunOn(*predictor, kShapes[0]);
  EXPECT_GE(Threads(), before);
  predictor.reset();
  EXPECT_EQ(Threads(), before);
}

// Once the largest extents have been seen, a run allocates nothing, whatever extents follow.
TEST_F(ApiClones, NothingIsAllocatedInSteadyState) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have their own allocator";
  Worker worker(predictor_->Clone());
  for (size_t s = 0; s < kShapes.size(); ++s) worker.Run(s, pixels_[s]);
  for (size_t s = 0; s < kShapes.size(); ++s) worker.Run(s, pixels_[s]);
  StartCounting();
  for (int i = 0; i < 60; ++i) {
    const size_t shape = static_cast<size_t>(i) % kShapes.size();
    worker.Run(shape, pixels_[shape]);
  }
  EXPECT_EQ(StopCounting().all, 0);
}

// oneDNN 2.6 allocates for each primitive that it executes; a float run allocates nothing besides.
TEST(ApiFloat, AllocatesOnlyInsideOneDnn) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have their own allocator";
  Worker worker(paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2"))->Clone());
  std::vector<std::vector<float>> pixels;
  for (const std::vector<int>& shape : kShapes) pixels.push_back(Pixels(shape));
  for (int i = 0; i < 2; ++i) {
    for (size_t s = 0; s < kShapes.size(); ++s) worker.Run(s, pixels[s]);
  }
  StartCounting();
  for (size_t s = 0; s < kShapes.size(); ++s) worker.Run(s, pixels[s]);
  const Allocations made = StopCounting();
  std::printf("%zu float runs: %ld allocations, %ld of them oneDNN's\n", kShapes.size(), made.all,
              made.inside_onednn);
  EXPECT_EQ(made.all, made.inside_onednn);
}

}  // namespace
}  // namespace skiff::api_tests
