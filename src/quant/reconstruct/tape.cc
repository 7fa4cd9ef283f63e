#include "quant/reconstruct/tape.h"

#include <algorithm>
#include <utility>

namespace skiff::quant {

int Tape::AddValue(const Dims& dims) {
  dims_.push_back(dims);
  needs_gradient_.push_back(false);
  return static_cast<int>(dims_.size()) - 1;
}

int Tape::AddWeight(const std::string& name, const float* values, size_t count) {
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i].name == name) return static_cast<int>(i);
  }
  weights.push_back({name, values, count});
  return static_cast<int>(weights.size()) - 1;
}

int Tape::AddRounder(TapeRounder rounder) {
  rounders.push_back(std::move(rounder));
  return static_cast<int>(rounders.size()) - 1;
}

void Tape::AddNode(std::unique_ptr<TapeNode> node, std::vector<int> node_inputs, int node_output,
                   bool has_parameters) {
  bool needed = has_parameters;
  for (const int v : node_inputs) needed = needed || needs_gradient_[static_cast<size_t>(v)];
  needs_gradient_[static_cast<size_t>(node_output)] = needed;
  node->inputs = std::move(node_inputs);
  node->output = node_output;
  nodes_.push_back(std::move(node));
}

void Tape::Finish(int output) {
  output_ = output;
  std::vector<bool> read(dims_.size(), false);
  read[static_cast<size_t>(output)] = true;
  for (size_t i = nodes_.size(); i-- > 0;) {
    if (!read[static_cast<size_t>(nodes_[i]->output)]) {
      nodes_.erase(nodes_.begin() + static_cast<ptrdiff_t>(i));
      continue;
    }
    for (const int v : nodes_[i]->inputs) read[static_cast<size_t>(v)] = true;
  }
  std::vector<bool> written(dims_.size(), false);
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    for (const int v : (*node)->inputs) {
      const auto value = static_cast<size_t>(v);
      const TapeNode::Flow flow = written[value] ? TapeNode::Flow::kAdd : TapeNode::Flow::kWrite;
      (*node)->flows.push_back(needs_gradient_[value] ? flow : TapeNode::Flow::kNone);
      written[value] = true;
    }
  }
}

Lane Tape::NewLane() const {
  Lane lane;
  lane.x.resize(dims_.size());
  lane.dx.resize(dims_.size());
  for (size_t v = 0; v < dims_.size(); ++v) {
    const auto count = static_cast<size_t>(dims_[v].Numel());
    lane.x[v].resize(count);
    if (needs_gradient_[v]) lane.dx[v].resize(count);
  }
  for (const TapeWeight& weight : weights) lane.dweights.emplace_back(weight.count);
  lane.dsteps.resize(rounders.size());
  return lane;
}

size_t Tape::LaneBytes() const {
  size_t count = 0;
  for (size_t v = 0; v < dims_.size(); ++v) {
    count += static_cast<size_t>(dims_[v].Numel()) * (needs_gradient_[v] ? 2 : 1);
  }
  for (const TapeWeight& weight : weights) count += weight.count;
  return count * sizeof(float);
}

Status Tape::Forward(std::span<const float> input, Lane* lane) const {
  std::copy(input.begin(), input.end(), lane->x[0].begin());
  for (const auto& node : nodes_) node->Forward(*this, *lane);
  return lane->status;
}

Status Tape::Backward(Lane* lane) const {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (needs_gradient_[static_cast<size_t>((*node)->output)]) (*node)->Backward(*this, *lane);
  }
  return lane->status;
}

}  // namespace skiff::quant
