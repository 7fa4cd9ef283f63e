#include "program/blob.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/aligned.h"
#include "base/half.h"

namespace skiff::program {

Blob CopyToBlob(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  auto copy = std::make_shared<AlignedBuffer>(bytes.size());
  std::memcpy(copy->As(), bytes.data(), bytes.size());
  const std::byte* data = copy->As();
  return {std::move(copy), {data, bytes.size()}};
}

Tensor Widened(const Tensor& tensor) {
  const bool half = tensor.dtype == DType::kFloat16;
  if (!half && tensor.dtype != DType::kBFloat16) return tensor;
  const std::span<const uint16_t> from = tensor.As<uint16_t>();
  std::vector<float> values(from.size());
  std::transform(from.begin(), from.end(), values.begin(), half ? FromHalf : FromBFloat16);
  Tensor wide = MakeTensor<float>(DType::kFloat32, tensor.dims, values);
  wide.lod = tensor.lod;
  return wide;
}

}  // namespace skiff::program
