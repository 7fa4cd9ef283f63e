#include "quant/refine/patches.h"

#include <string>

namespace skiff::quant {
namespace {

using program::OpDesc;

template <typename T>
T AttributeOr(const OpDesc& op, const char* name, T otherwise) {
  const program::Attribute* attribute = program::FindAttribute(op.attributes, name);
  const T* value = attribute != nullptr ? std::get_if<T>(&attribute->value) : nullptr;
  return value != nullptr ? *value : otherwise;
}

using Ints = std::vector<int32_t>;

// Strides between rows and columns of one channel, and between channels.
struct Strides {
  explicit Strides(const RunTensor& x) {
    const bool plain = x.layout == graph::Layout::kPlain;
    channel = plain ? x.dims[2] * x.dims[3] : 1;
    column = plain ? 1 : x.dims[1];
    row = x.dims[3] * column;
    sample = x.dims[1] * x.dims[2] * x.dims[3];
  }
  int64_t sample, channel, row, column;
};

}  // namespace

std::optional<Patches> Patches::Of(const OpDesc& op, const Layer& layer,
                                   const program::Tensor& weight) {
  Patches p;
  p.convolution_ = op.type == "conv2d" || op.type == "depthwise_conv2d";
  const std::vector<int64_t>& dims = weight.dims;
  if (p.convolution_) {
    const std::string format = AttributeOr(op, "data_format", std::string("NCHW"));
    const std::string rule = AttributeOr(op, "padding_algorithm", std::string("EXPLICIT"));
    const Ints strides = AttributeOr(op, "strides", Ints{1, 1});
    const Ints dilations = AttributeOr(op, "dilations", Ints{1, 1});
    const Ints paddings = AttributeOr(op, "paddings", Ints{0, 0});
    if (format == "NHWC" || rule == "SAME" || dims.size() != 4 || strides.size() != 2 ||
        dilations.size() != 2 || (paddings.size() != 2 && paddings.size() != 4)) {
      return std::nullopt;
    }
    p.groups_ = std::max(AttributeOr(op, "groups", int32_t{1}), 1);
    if (dims[0] % p.groups_ != 0) return std::nullopt;
    for (size_t axis = 0; axis < 2; ++axis) {
      p.kernel_[axis] = dims[2 + axis];
      p.stride_[axis] = strides[axis];
      p.dilation_[axis] = dilations[axis];
      if (rule != "VALID") p.before_[axis] = paddings[paddings.size() == 4 ? 2 * axis : axis];
    }
    p.outputs_ = dims[0] / p.groups_;
    p.length_ = dims[1] * dims[2] * dims[3];
    return p;
  }
  const bool is_mul = op.type == "mul";
  const bool is_matmul = op.type == "matmul" || op.type == "matmul_v2";
  const bool moved = AttributeOr(op, "trans_x", false) || AttributeOr(op, "transpose_X", false) ||
                     AttributeOr(op, "alpha", 1.0F) != 1.0F ||
                     AttributeOr(op, "y_num_col_dims", int32_t{1}) != 1;
  if ((!is_mul && !is_matmul) || moved || dims.size() != 2) return std::nullopt;
  p.by_column_ = is_mul || layer.axis != 0;
  if (AttributeOr(op, "trans_y", false) || AttributeOr(op, "transpose_Y", false)) {
    p.by_column_ = false;
  }
  p.outputs_ = dims[p.by_column_ ? 1 : 0];
  p.length_ = dims[p.by_column_ ? 0 : 1];
  p.row_dims_ = is_mul ? AttributeOr(op, "x_num_col_dims", int32_t{1}) : 0;
  return p;
}

bool Patches::Fits(const RunTensor& x, const RunTensor& y) const {
  if (convolution_) {
    return x.dims.rank() == 4 && y.dims.rank() == 4 && y.dims[1] == channels() &&
           x.dims[1] * kernel_[0] * kernel_[1] == groups_ * length_;
  }
  if (x.dims.rank() < 1 || y.dims.rank() < 1 || y.layout != graph::Layout::kPlain) return false;
  const int rank = x.dims.rank();
  const int rows = row_dims_ > 0 ? static_cast<int>(row_dims_) : rank - 1;
  const bool channels_last = x.layout != graph::Layout::kPlain;
  return rows <= rank && x.dims.Product(rows, rank) == length_ && (!channels_last || rows == 1) &&
         y.dims.Numel() == x.dims.Product(0, rows) * outputs_;
}

int64_t Patches::Positions(const RunTensor& y) const { return y.dims.Numel() / channels(); }

void Patches::GatherWindow(const RunTensor& x, const RunTensor& y, int64_t position,
                           float* patch) const {
  const Strides strides(x);
  const int64_t plane = y.dims[2] * y.dims[3];
  const int64_t top = position % plane / y.dims[3] * stride_[0] - before_[0];
  const int64_t left = position % y.dims[3] * stride_[1] - before_[1];
  const float* sample = x.data.data() + position / plane * strides.sample;
  for (int64_t c = 0; c < x.dims[1]; ++c) {
    for (int64_t i = 0; i < kernel_[0]; ++i) {
      const int64_t row = top + i * dilation_[0];
      const bool inside = row >= 0 && row < x.dims[2];
      for (int64_t j = 0; j < kernel_[1]; ++j) {
        const int64_t column = left + j * dilation_[1];
        *patch++ = inside && column >= 0 && column < x.dims[3]
                       ? sample[c * strides.channel + row * strides.row + column * strides.column]
                       : 0.0F;
      }
    }
  }
}

void Patches::Gather(const RunTensor& x, const RunTensor& y, int64_t position, float* patch) const {
  if (convolution_) return GatherWindow(x, y, position, patch);
  if (x.layout == graph::Layout::kPlain) {
    std::copy_n(x.data.data() + position * length_, length_, patch);
    return;
  }
  // A flattened picture whose channels lie last.
  const Strides strides(x);
  const int64_t plane = x.dims[2] * x.dims[3];
  const float* sample = x.data.data() + position * strides.sample;
  for (int64_t k = 0; k < length_; ++k) {
    patch[k] = sample[k / plane * strides.channel + k % plane * strides.column];
  }
}

void Patches::GatherOutput(const RunTensor& y, int64_t position, float* values) const {
  if (!convolution_ || y.layout != graph::Layout::kPlain) {
    std::copy_n(y.data.data() + position * channels(), channels(), values);
    return;
  }
  const int64_t plane = y.dims[2] * y.dims[3];
  const float* from = y.data.data() + position / plane * channels() * plane + position % plane;
  for (int64_t c = 0; c < channels(); ++c) values[c] = from[c * plane];
}

std::vector<float> Patches::Matrix(std::span<const float> weight) const {
  std::vector<float> matrix(weight.size());
  size_t i = 0;
  for (int64_t c = 0; c < channels(); ++c) {
    for (int64_t k = 0; k < length_; ++k) matrix[i++] = weight[WeightIndex(c, k)];
  }
  return matrix;
}

}  // namespace skiff::quant
