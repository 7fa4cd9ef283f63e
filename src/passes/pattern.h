// Small questions that many passes ask of a Graph.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"

namespace skiff::passes {

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> types);

// conv2d, depthwise_conv2d, fused_conv2d: one semantics under three names.
bool IsConv2d(const graph::Node& node);

// The only node that reads `value`, or null when there is another reader, none, or it is an output.
graph::Node* OnlyReader(const graph::Graph& graph, const graph::Value* value);

// Name of a two-operand node's other data slot ("X" for "Y").
std::string_view OtherSlot(std::string_view slot);

// The float elements of a constant; empty when `value` is null, no constant, or not float32.
std::span<const float> FloatData(const graph::Value* value);

// Extents of a constant's record.
const std::vector<int64_t>& ConstantDims(const graph::Value& value);

// Element i of a constant stands on step (i / StepStride) % steps of its grid.
size_t StepStride(const std::vector<int64_t>& dims, const graph::Grid& grid);

// An s8 constant on `grid` from a float weight (rounded half to even) or from stored int8 codes.
Result<graph::Value*> QuantizeConstant(graph::Graph& graph, const graph::Value& stored,
                                       const graph::Grid& grid);

// The s8 constant with the name and extents of `stored`, these codes and this grid.
graph::Value* AddCodes(graph::Graph& graph, const graph::Value& stored,
                       const std::shared_ptr<std::vector<int8_t>>& codes, graph::Grid grid);

// The node takes over `value` as its output `slot`: the former producer of `value` must be erased
// by the caller, who has made sure that nothing else needs it.
void TakeOutput(graph::Graph& graph, graph::Node* node, std::string_view slot, graph::Value* value);

// Erases nodes that no output depends on.
void RemoveDeadNodes(graph::Graph& graph);

}  // namespace skiff::passes
