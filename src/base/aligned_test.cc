#include "base/aligned.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace skiff {
namespace {

uintptr_t Address(const AlignedBuffer& buffer) { return reinterpret_cast<uintptr_t>(buffer.As()); }

TEST(AlignedBufferTest, StartsAtACacheLineAndLargeOnesAtAHugePage) {
  EXPECT_EQ(Address(AlignedBuffer(1)) % AlignedBuffer::kAlignment, 0U);
  EXPECT_EQ(Address(AlignedBuffer(AlignedBuffer::kHugePage)) % AlignedBuffer::kHugePage, 0U);
  EXPECT_EQ(Address(AlignedBuffer::ForWeights(AlignedBuffer::kHugePage)) % AlignedBuffer::kHugePage,
            0U);
}

TEST(AlignedBufferTest, SlackIsZero) {
  const AlignedBuffer buffer = AlignedBuffer::ForWeights(100);
  for (size_t i = 0; i < AlignedBuffer::kSlack; ++i) EXPECT_EQ(buffer.As<char>()[100 + i], 0);
}

TEST(AlignedBufferTest, WeightsShareChunksWithoutOverlap) {
  std::vector<AlignedBuffer> buffers;
  for (size_t i = 0; i < 40; ++i) {  // 20 MiB: several chunks
    buffers.push_back(AlignedBuffer::ForWeights(size_t{512} << 10));
    std::memset(buffers.back().As(), static_cast<int>(i + 1), buffers.back().size());
    EXPECT_EQ(Address(buffers.back()) % AlignedBuffer::kAlignment, 0U);
  }
  EXPECT_EQ(Address(buffers[1]) - Address(buffers[0]), (size_t{512} << 10) + AlignedBuffer::kSlack);
  for (size_t i = 0; i < buffers.size(); ++i) {
    const auto* bytes = buffers[i].As<uint8_t>();
    for (size_t at = 0; at < buffers[i].size(); at += 4096) ASSERT_EQ(bytes[at], i + 1);
    ASSERT_EQ(bytes[buffers[i].size() - 1], i + 1);
  }
}

TEST(AlignedBufferTest, OutlivesItsNeighbours) {
  AlignedBuffer kept;
  {
    AlignedBuffer first = AlignedBuffer::ForWeights(1000);
    kept = AlignedBuffer::ForWeights(1000);
    std::memset(first.As(), 1, 1000);
    std::memset(kept.As(), 2, 1000);
  }
  AlignedBuffer later = AlignedBuffer::ForWeights(1000);
  std::memset(later.As(), 3, 1000);
  for (size_t i = 0; i < 1000; ++i) ASSERT_EQ(kept.As<char>()[i], 2);
}

TEST(AlignedBufferTest, IsMadeAndFreedFromAnyThread) {
  const auto work = [] {
    for (int i = 0; i < 200; ++i) {
      AlignedBuffer buffer = AlignedBuffer::ForWeights(static_cast<size_t>(1000 * (i % 50) + 1));
      std::memset(buffer.As(), i, buffer.size());
      const AlignedBuffer moved = std::move(buffer);
      ASSERT_EQ(moved.As<uint8_t>()[moved.size() - 1], static_cast<uint8_t>(i));
    }
  };
  std::thread other(work);
  work();
  other.join();
}

}  // namespace
}  // namespace skiff
