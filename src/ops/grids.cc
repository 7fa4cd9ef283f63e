#include "ops/grids.h"

namespace skiff::ops {

Result<steps::CodeGrid> ToCodeGrid(const graph::Grid& grid) {
  if (grid.step.size() != 1) {
    return Unsupported("an activation quantised with " + std::to_string(grid.step.size()) +
                       " scales instead of one");
  }
  steps::CodeGrid codes;
  codes.step = grid.step[0];
  codes.is_unsigned = grid.is_unsigned;
  codes.max_code = grid.max_code;
  codes.round = grid.round;
  return codes;
}

Result<steps::CodeGrid> CodeGridOf(const graph::Value& value) {
  if (!value.grid) return Internal(value.name + " holds codes without a grid");
  return ToCodeGrid(*value.grid);
}

Result<std::optional<steps::CodeGrid>> OutputGrid(const graph::Value& value) {
  if (!IsInt8(value.dtype)) return std::optional<steps::CodeGrid>();
  SKIFF_ASSIGN_OR_RETURN(const steps::CodeGrid grid, CodeGridOf(value));
  SKIFF_RETURN_IF_ERROR(steps::CheckGrid(grid, value.name.c_str()));
  return std::optional<steps::CodeGrid>(grid);
}

Result<std::vector<double>> WeightSteps(const graph::Value& weight, int axis, int64_t channels) {
  if (!weight.grid) return Internal("weight " + weight.name + " holds codes without a grid");
  const std::vector<double>& step = weight.grid->step;
  if (step.size() == 1) return step;
  if (weight.grid->axis != axis || step.size() != static_cast<size_t>(channels)) {
    return Unsupported("weight " + weight.name + " has " + std::to_string(step.size()) +
                       " scales along axis " + std::to_string(weight.grid->axis) + ", not " +
                       std::to_string(channels) + " along axis " + std::to_string(axis));
  }
  return step;
}

}  // namespace skiff::ops
