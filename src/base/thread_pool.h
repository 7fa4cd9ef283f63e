// ThreadPool: splits one loop over a fixed set of threads.
//
// A pool of one thread starts none and runs the loop inline. ParallelFor may be called by one
// thread at a time (each Context owns its pool); nested calls run inline. Nothing is allocated or
// locked by a call on the hot path beyond the wake-up of sleeping workers. Workers spin for a
// short, bounded time before they sleep.
#pragma once

#include <cstdint>
#include <memory>

namespace skiff {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return threads_; }

  // Calls fn(i) for every i in [0, n), from several threads, and returns when all are done.
  // fn must not throw.
  template <typename Fn>
  void ParallelFor(int64_t n, const Fn& fn) {
    if (threads_ == 1 || n <= 1) {
      for (int64_t i = 0; i < n; ++i) fn(i);
      return;
    }
    Dispatch(
        n, [](const void* f, int64_t i) { (*static_cast<const Fn*>(f))(i); }, &fn);
  }

 private:
  using Invoke = void (*)(const void* fn, int64_t i);
  void Dispatch(int64_t n, Invoke invoke, const void* fn);

  struct Shared;
  int threads_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace skiff
