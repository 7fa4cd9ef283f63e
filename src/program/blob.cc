#include "program/blob.h"

#include <cstring>
#include <memory>

#include "base/aligned.h"

namespace skiff::program {

Blob CopyToBlob(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  auto copy = std::make_shared<AlignedBuffer>(bytes.size());
  std::memcpy(copy->As(), bytes.data(), bytes.size());
  const std::byte* data = copy->As();
  return {std::move(copy), {data, bytes.size()}};
}

}  // namespace skiff::program
