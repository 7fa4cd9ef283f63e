// Builders of small graphs for the passes' tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace skiff::passes::testing {

inline graph::Value* Input(graph::Graph& graph, const std::string& name,
                           std::vector<int64_t> dims) {
  graph::Value* value = graph.AddValue(name, DType::kFloat32, std::move(dims));
  graph.inputs.push_back(value);
  return value;
}

inline graph::Value* S8Constant(graph::Graph& graph, const std::string& name,
                                std::vector<int64_t> dims, std::vector<int8_t> codes,
                                std::vector<double> step, int axis) {
  auto owner = std::make_shared<const std::vector<int8_t>>(std::move(codes));
  auto tensor = std::make_shared<program::Tensor>();
  tensor->dtype = DType::kInt8;
  tensor->dims = std::move(dims);
  tensor->data = {owner, std::as_bytes(std::span(*owner))};
  graph::Value* value = graph.AddConstant(name, std::move(tensor));
  value->grid = graph::Grid{std::move(step), axis};
  return value;
}

using Slots = std::vector<std::pair<std::string, graph::Value*>>;

// A node whose only output, in `out_slot`, is returned.
inline graph::Value* Apply(graph::Graph& graph, const std::string& type, const Slots& inputs,
                           const std::string& out_slot, const std::string& name,
                           std::vector<int64_t> dims) {
  graph::Node* node = graph.AddNode(type, name);
  for (const auto& [slot, value] : inputs) graph.AddInput(node, slot, value);
  graph::Value* out = graph.AddValue(name, DType::kFloat32, std::move(dims));
  graph.AddOutput(node, out_slot, out);
  return out;
}

inline void MarkOutput(graph::Graph& graph, graph::Value* value) {
  graph.outputs.push_back(value);
  graph.output_names.push_back(value->name);
}

inline const graph::Node* FindNode(const graph::Graph& graph, const std::string& type) {
  for (const graph::Node& node : graph.nodes()) {
    if (node.type == type) return &node;
  }
  return nullptr;
}

inline int CountNodes(const graph::Graph& graph, const std::string& type) {
  int n = 0;
  for (const graph::Node& node : graph.nodes()) n += node.type == type;
  return n;
}

}  // namespace skiff::passes::testing
