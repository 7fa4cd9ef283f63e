// From the graph's view of quantisation to the steps' view. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "steps/int8_grid.h"

namespace skiff::ops {

// The grid of an activation: one step for the whole tensor.
Result<steps::CodeGrid> ToCodeGrid(const graph::Grid& grid);
// The grid of a value of type s8 or u8.
Result<steps::CodeGrid> CodeGridOf(const graph::Value& value);
// The same for an output that may be float: then nothing.
Result<std::optional<steps::CodeGrid>> OutputGrid(const graph::Value& value);

// Steps of an s8 weight whose output channels lie along `axis` (extent `channels`): one, or one per
// channel.
Result<std::vector<double>> WeightSteps(const graph::Value& weight, int axis, int64_t channels);

}  // namespace skiff::ops
