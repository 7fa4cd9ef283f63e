// StepRunner: runs one Step on given arrays, for tests.
//
// Buffers are 64-byte aligned and end in kBufferSlack readable bytes, as in a plan. The state lives
// as long as the runner, so that running twice tests what the step keeps between runs. Whatever a
// test asks of a step: where it says that it splits by image, one image after the other must give
// the same bytes, or Run fails.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "steps/known_ints.h"
#include "steps/step.h"

namespace skiff::steps::testing {

class Array {
 public:
  Array() = default;
  Array(DType dtype, const Dims& dims)
      : dtype_(dtype), dims_(dims), lines_((bytes() + kBufferSlack) / sizeof(Line) + 1) {}
  template <typename T>
  Array(DType dtype, const Dims& dims, const std::vector<T>& values) : Array(dtype, dims) {
    std::memcpy(data(), values.data(), values.size() * sizeof(T));
  }

  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] const Dims& dims() const { return dims_; }
  [[nodiscard]] size_t count() const { return static_cast<size_t>(dims_.Numel()); }
  [[nodiscard]] size_t bytes() const { return count() * SizeOf(dtype_); }
  [[nodiscard]] void* data() const { return const_cast<Line*>(lines_.data()); }
  template <typename T>
  [[nodiscard]] std::span<T> As() const {
    return {static_cast<T*>(data()), count()};
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  DType dtype_ = DType::kFloat32;
  Dims dims_;
  std::vector<Line> lines_;
};

inline Array Floats(const Dims& dims, const std::vector<float>& values) {
  return {DType::kFloat32, dims, values};
}

class StepRunner {
 public:
  explicit StepRunner(const Step& step, int threads = 1)
      : step_(step), pool_(threads), state_(step.NewState()) {}

  // Hand small integer inputs to the shape program, as a plan does with constants.
  bool known_ints = true;
  // Let output 0 take the memory of input InPlaceInput().
  bool in_place = false;

  // Reshape and Run. `out_types`: one element type per output.
  Result<std::vector<Array>> Run(const std::vector<Array>& inputs,
                                 const std::vector<DType>& out_types = {DType::kFloat32}) {
    std::vector<TensorShape> in_shapes(inputs.size());
    std::vector<const TensorShape*> in_pointers;
    std::vector<Tensor> in_tensors;
    for (size_t i = 0; i < inputs.size(); ++i) {
      in_shapes[i].dims = inputs[i].dims();
      if (known_ints) SetKnownInts(inputs[i].dtype(), inputs[i].data(), &in_shapes[i]);
      in_pointers.push_back(&in_shapes[i]);
      in_tensors.push_back({inputs[i].data(), inputs[i].dims()});
    }
    out_shapes_.assign(out_types.size(), {});
    std::vector<TensorShape*> out_pointers;
    for (TensorShape& shape : out_shapes_) out_pointers.push_back(&shape);
    ShapeContext shapes(in_pointers, out_pointers, state_.get(), pool_.threads());
    SKIFF_RETURN_IF_ERROR(step_.Reshape(shapes));

    std::vector<Array> outputs;
    std::vector<Tensor> out_tensors;
    for (size_t j = 0; j < out_types.size(); ++j) {
      outputs.emplace_back(out_types[j], out_shapes_[j].dims);
    }
    if (in_place && step_.InPlaceInput() >= 0)
      Alias(step_.InPlaceInput(), inputs, &outputs, &in_tensors);
    if (step_.AliasInput() >= 0) Alias(step_.AliasInput(), inputs, &outputs, &in_tensors);
    for (const Array& output : outputs) out_tensors.push_back({output.data(), output.dims()});
    const Array workspace(DType::kUInt8, {static_cast<int64_t>(shapes.workspace())});
    SKIFF_RETURN_IF_ERROR(
        step_.Run({in_tensors, out_tensors, static_cast<std::byte*>(workspace.data()), state_.get(),
                   &pool_}));
    SKIFF_RETURN_IF_ERROR(CheckImages(inputs, outputs));
    return outputs;
  }

  // Of the last run: what the shape program said, integer values included.
  [[nodiscard]] const TensorShape& out_shape(int j) const {
    return out_shapes_[static_cast<size_t>(j)];
  }

 private:
  // As runtime::Context asks.
  [[nodiscard]] bool TakesImages(const std::vector<Array>& inputs,
                                 const std::vector<Array>& outputs) const {
    if (inputs.empty() || inputs[0].dims().rank() == 0) return false;
    const Dims& x = inputs[0].dims();
    if (x[0] < 2 || !step_.SplitsByImage(x)) return false;
    TensorShape shape;
    shape.dims = x;
    SetKnownInts(inputs[0].dtype(), inputs[0].data(), &shape);
    if (shape.has_ints) return false;
    return std::all_of(outputs.begin(), outputs.end(), [&](const Array& array) {
      return array.dims().rank() > 0 && array.dims()[0] == x[0];
    });
  }

  // Others are taken for constants, which every part reads whole.
  static bool HasImages(const Array& input, const Dims& x) {
    return input.dims().rank() == x.rank() && input.dims()[0] == x[0];
  }

  [[nodiscard]] Status CheckImages(const std::vector<Array>& inputs,
                                   const std::vector<Array>& outputs) const {
    // What oneDNN computes in float depends on the extents.
    if (!TakesImages(inputs, outputs) || step_.Info().kernel.starts_with("onednn")) {
      return OkStatus();
    }
    const auto image_of = [](const Array& array, int64_t i) {
      Dims dims = array.dims();
      const size_t bytes = array.bytes() / static_cast<size_t>(dims[0]);
      dims[0] = 1;
      Array image(array.dtype(), dims);
      std::memcpy(image.data(),
                  static_cast<const std::byte*>(array.data()) + static_cast<size_t>(i) * bytes,
                  bytes);
      return image;
    };
    std::vector<DType> types;
    for (const Array& output : outputs) types.push_back(output.dtype());
    for (int64_t i = 0; i < inputs[0].dims()[0]; ++i) {
      std::vector<Array> part;
      for (const Array& input : inputs) {
        part.push_back(HasImages(input, inputs[0].dims()) ? image_of(input, i) : input);
      }
      const Result<std::vector<Array>> got = StepRunner(step_, 1).Run(part, types);
      // A step that will not take a part is run on the whole.
      if (!got.ok()) return OkStatus();
      for (size_t j = 0; j < outputs.size(); ++j) {
        const Array want = image_of(outputs[j], i);
        if (!((*got)[j].dims() == want.dims())) return OkStatus();
        if (std::memcmp((*got)[j].data(), want.data(), want.bytes()) != 0) {
          return Internal("image " + std::to_string(i) + " alone gives other bytes");
        }
      }
    }
    return OkStatus();
  }

  // Output 0 starts as a copy of the input and the step reads that copy.
  static void Alias(int index, const std::vector<Array>& inputs, std::vector<Array>* outputs,
                    std::vector<Tensor>* in_tensors) {
    const auto i = static_cast<size_t>(index);
    std::memcpy((*outputs)[0].data(), inputs[i].data(), inputs[i].bytes());
    (*in_tensors)[i].data = (*outputs)[0].data();
  }

  const Step& step_;
  ThreadPool pool_;
  std::unique_ptr<StepState> state_;
  std::vector<TensorShape> out_shapes_;
};

}  // namespace skiff::steps::testing
