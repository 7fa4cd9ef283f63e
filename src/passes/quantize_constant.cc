#include <algorithm>
#include <cmath>

#include "passes/pattern.h"

namespace skiff::passes {

using graph::Graph;
using graph::Grid;
using graph::Value;

size_t StepStride(const std::vector<int64_t>& dims, const Grid& grid) {
  if (grid.step.size() == 1) return 1;
  size_t inner = 1;
  for (size_t d = static_cast<size_t>(grid.axis) + 1; d < dims.size(); ++d) {
    inner *= static_cast<size_t>(dims[d]);
  }
  return std::max<size_t>(inner, 1);
}

Result<Value*> QuantizeConstant(Graph& graph, const Value& stored, const Grid& grid) {
  const program::Tensor& tensor = *stored.constant;
  auto codes = std::make_shared<std::vector<int8_t>>();
  if (tensor.dtype == DType::kInt8) {
    codes->assign(tensor.As<int8_t>().begin(), tensor.As<int8_t>().end());
  } else if (tensor.dtype == DType::kFloat32) {
    const std::span<const float> w = tensor.As<float>();
    const size_t stride = StepStride(tensor.dims, grid);
    for (size_t i = 0; i < w.size(); ++i) {
      const double step = grid.step[i / stride % grid.step.size()];
      const float q = std::nearbyintf(static_cast<float>(w[i] / step));
      codes->push_back(static_cast<int8_t>(std::fmin(std::fmax(q, -127.0F), 127.0F)));
    }
  } else {
    return Unsupported("weight " + stored.name + " is " + std::string(Name(tensor.dtype)));
  }
  return AddCodes(graph, stored, codes, grid);
}

Value* AddCodes(Graph& graph, const Value& stored,
                const std::shared_ptr<std::vector<int8_t>>& codes, Grid grid) {
  auto tensor = std::make_shared<program::Tensor>();
  tensor->dtype = DType::kInt8;
  tensor->dims = stored.constant->dims;
  tensor->data = {codes, std::as_bytes(std::span(*codes))};
  Value* value = graph.AddConstant(stored.name, std::move(tensor));
  value->grid = std::move(grid);
  return value;
}

}  // namespace skiff::passes
