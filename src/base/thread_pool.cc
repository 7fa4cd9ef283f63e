// One job at a time. The dispatcher writes the job, opens the gate and moves the epoch on; workers
// that notice the epoch enter through the gate, take indices, from their own counter and then from
// the others', until none are left, and leave. The dispatcher works too, then closes the gate and
// waits only for the workers that are inside: one that has not woken by then finds the gate shut
// and goes back to waiting.
#include "base/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

namespace skiff {
namespace {

constexpr uint32_t kOpen = 1u << 31;  // the other bits of the gate count the workers inside
constexpr int kSpins = 2000;          // some tens of microseconds: the gap between two layers

// True on a thread that is running a job, so that nested loops run inline.
thread_local bool t_inside = false;

void Pause() { __builtin_ia32_pause(); }

// Waits until `word` is no longer `old`, spinning first.
uint32_t WaitForChange(const std::atomic<uint32_t>& word, uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const uint32_t now = word.load(std::memory_order_acquire);
    if (now != old) return now;
    Pause();
  }
  word.wait(old, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::Shared {
  alignas(64) std::atomic<uint32_t> epoch{0};
  alignas(64) std::atomic<uint32_t> gate{0};
  // The part of one thread.
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  // Written by the dispatcher while the gate is shut and nobody is inside.
  alignas(64) std::vector<Part> parts;
  Invoke invoke = nullptr;
  const void* fn = nullptr;
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;

  bool Enter() {
    uint32_t now = gate.load(std::memory_order_relaxed);
    while ((now & kOpen) != 0) {
      if (gate.compare_exchange_weak(now, now + 1, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void Leave() {
    if (gate.fetch_sub(1, std::memory_order_release) == 1) gate.notify_one();
  }

  explicit Shared(int threads) : parts(static_cast<size_t>(threads)) {}

  void Divide(int64_t n) {
    const auto count = static_cast<int64_t>(parts.size());
    for (int64_t t = 0; t < count; ++t) {
      Part& part = parts[static_cast<size_t>(t)];
      part.next.store(n * t / count, std::memory_order_relaxed);
      part.end = n * (t + 1) / count;
    }
  }

  void TakeIndices(int thread) {
    t_inside = true;
    for (size_t k = 0; k < parts.size(); ++k) {
      Part& part = parts[(static_cast<size_t>(thread) + k) % parts.size()];
      for (;;) {
        const int64_t i = part.next.fetch_add(1, std::memory_order_relaxed);
        if (i >= part.end) break;
        invoke(fn, i, thread);
      }
    }
    t_inside = false;
  }

  void Work(int thread) {
    uint32_t seen = 0;
    for (;;) {
      seen = WaitForChange(epoch, seen);
      if (stop.load(std::memory_order_relaxed)) return;
      if (!Enter()) continue;
      TakeIndices(thread);
      Leave();
    }
  }

  void Announce() {
    epoch.fetch_add(1, std::memory_order_release);
    epoch.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads) {
  if (threads_ == 1) return;
  shared_ = std::make_unique<Shared>(threads_);
  for (int i = 1; i < threads_; ++i) {
    shared_->workers.emplace_back([shared = shared_.get(), i] { shared->Work(i); });
  }
}

ThreadPool::~ThreadPool() {
  if (!shared_) return;
  shared_->stop.store(true, std::memory_order_relaxed);
  shared_->Announce();
  for (std::thread& worker : shared_->workers) worker.join();
}

void ThreadPool::Dispatch(int64_t n, Invoke invoke, const void* fn) {
  if (t_inside) {
    for (int64_t i = 0; i < n; ++i) invoke(fn, i, 0);
    return;
  }
  Shared& s = *shared_;
  s.Divide(n);
  s.invoke = invoke;
  s.fn = fn;
  s.gate.store(kOpen, std::memory_order_release);
  s.Announce();
  s.TakeIndices(0);
  uint32_t inside = s.gate.fetch_and(~kOpen, std::memory_order_acquire) & ~kOpen;
  while (inside != 0) inside = WaitForChange(s.gate, inside);
}

}  // namespace skiff
