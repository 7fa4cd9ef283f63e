#include "tests/threads/counting_allocator.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SKIFF_SANITIZED
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SKIFF_SANITIZED
#endif

namespace {

std::atomic<bool> g_counting{false};
std::atomic<long> g_all{0};
std::atomic<long> g_inside_onednn{0};

#if !defined(SKIFF_SANITIZED)
void Count(const void* caller) {
  if (!g_counting.load(std::memory_order_relaxed)) return;
  g_all.fetch_add(1, std::memory_order_relaxed);
  Dl_info library;
  if (dladdr(caller, &library) != 0 && std::strstr(library.dli_fname, "libdnnl") != nullptr) {
    g_inside_onednn.fetch_add(1, std::memory_order_relaxed);
  }
}
#endif

}  // namespace

// The C library lets a program bring its own allocator; these are its own functions under their
// other names, with a counter before them.
#if !defined(SKIFF_SANITIZED)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  Count(__builtin_return_address(0));
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Count(__builtin_return_address(0));
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  Count(__builtin_return_address(0));
  return __libc_realloc(memory, size);
}
void* memalign(size_t alignment, size_t size) {
  Count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  Count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  Count(__builtin_return_address(0));
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}

void* operator new(size_t size) {
  Count(__builtin_return_address(0));
  if (void* memory = __libc_malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t size) {
  Count(__builtin_return_address(0));
  if (void* memory = __libc_malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace skiff::api_tests {

void StartCounting() {
  g_all = 0;
  g_inside_onednn = 0;
  g_counting = true;
}

Allocations StopCounting() {
  g_counting = false;
  return {g_all.load(), g_inside_onednn.load()};
}

namespace {

#if !defined(SKIFF_SANITIZED)
TEST(CountingAllocator, CountsOperatorNewAndAlignedAlloc) {
  StartCounting();
  const auto one = std::make_unique<int>(1);
  const std::unique_ptr<void, decltype(&std::free)> two(std::aligned_alloc(64, 64), &std::free);
  EXPECT_EQ(*one, 1);
  EXPECT_NE(two, nullptr);
  EXPECT_EQ(StopCounting().all, 2);
}
#endif

}  // namespace
}  // namespace skiff::api_tests
