// NonNegative: which tensors cannot be negative, whatever a model is fed. Those have codes 0..127
// in u8.
//
// Remembers what it found out about a graph, which must not change meanwhile in what it computes.
// For one thread.
#pragma once

#include <unordered_map>

#include "graph/graph.h"

namespace skiff::passes {

class NonNegative {
 public:
  bool operator()(const graph::Value* value);

 private:
  bool Decide(const graph::Value* value);
  bool AllInputs(const graph::Node& node);

  std::unordered_map<const graph::Value*, bool> known_;
};

}  // namespace skiff::passes
