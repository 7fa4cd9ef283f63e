// ThreadPool: splits one loop over a fixed set of threads.
//
// Each thread has its own part of the indices, the same one in loops of any length, so that what a
// layer wrote is still in the cache of the thread that reads it in the next. Who is done with its
// part takes from the others'.
//
// A pool of one thread starts none and runs the loop inline. ParallelFor may be called by one
// thread at a time (each Context owns its pool); nested calls run inline. Nothing is allocated or
// locked by a call on the hot path beyond the wake-up of sleeping workers. Workers spin for a
// short, bounded time before they sleep.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace skiff {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return threads_; }

  // Calls fn(i), or fn(i, thread), for every i in [0, n), from several threads, and returns when
  // all are done. `thread` is less than threads(), and no two calls at a time have the same one. fn
  // must not throw.
  template <typename Fn>
  void ParallelFor(int64_t n, const Fn& fn) {
    const Invoke invoke = [](const void* f, int64_t i, int thread) {
      if constexpr (std::is_invocable_v<const Fn&, int64_t, int>) {
        (*static_cast<const Fn*>(f))(i, thread);
      } else {
        (*static_cast<const Fn*>(f))(i);
      }
    };
    if (threads_ == 1 || n <= 1) {
      for (int64_t i = 0; i < n; ++i) invoke(&fn, i, 0);
      return;
    }
    Dispatch(n, invoke, &fn);
  }

 private:
  using Invoke = void (*)(const void* fn, int64_t i, int thread);
  void Dispatch(int64_t n, Invoke invoke, const void* fn);

  struct Shared;
  int threads_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace skiff
