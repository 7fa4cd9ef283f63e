#include "graph/graph.h"

#include <algorithm>
#include <cstring>

namespace skiff::graph {
namespace {

template <typename Slots>
auto* FindSlot(Slots& slots, std::string_view name) {
  const auto it =
      std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.name == name; });
  return it == slots.end() ? nullptr : &*it;
}

}  // namespace

Value* Node::In(std::string_view slot) const {
  const Edge* edge = InEdge(slot);
  return edge ? edge->value : nullptr;
}

Value* Node::Out(std::string_view slot) const {
  const OutSlot* s = FindSlot(outputs, slot);
  return s && !s->values.empty() ? s->values[0] : nullptr;
}

const Edge* Node::InEdge(std::string_view slot) const {
  const InSlot* s = FindSlot(inputs, slot);
  return s && !s->edges.empty() ? s->edges.data() : nullptr;
}

Edge* Node::MutableInEdge(std::string_view slot) {
  InSlot* s = FindSlot(inputs, slot);
  return s && !s->edges.empty() ? s->edges.data() : nullptr;
}

int Node::SlotIndex(std::string_view slot) const {
  const InSlot* s = FindSlot(inputs, slot);
  return s ? static_cast<int>(s - inputs.data()) : -1;
}

void Node::SetAttribute(std::string_view name, program::AttrType type, program::AttrValue value) {
  RemoveAttribute(name);
  attributes.push_back({std::string(name), type, std::move(value), {}});
}

void Node::RemoveAttribute(std::string_view name) {
  std::erase_if(attributes, [&](const program::Attribute& a) { return a.name == name; });
}

Value* Graph::AddValue(std::string name, DType dtype, std::vector<int64_t> dims) {
  Value& value = values_.emplace_back();
  value.id = static_cast<int>(values_.size()) - 1;
  value.name = std::move(name);
  value.dtype = dtype;
  value.dims = std::move(dims);
  return &value;
}

Value* Graph::AddConstant(std::string name, std::shared_ptr<const program::Tensor> tensor) {
  Value* value = AddValue(std::move(name), tensor->dtype, tensor->dims);
  value->constant = std::move(tensor);
  return value;
}

Value* Graph::AddFloatConstant(std::string name, std::vector<int64_t> dims,
                               std::vector<float> data) {
  auto owner = std::make_shared<const std::vector<float>>(std::move(data));
  auto tensor = std::make_shared<program::Tensor>();
  tensor->dtype = DType::kFloat32;
  tensor->dims = std::move(dims);
  tensor->data = {owner, std::as_bytes(std::span(*owner))};
  return AddConstant(std::move(name), std::move(tensor));
}

Node* Graph::AddNode(std::string type, std::string name) {
  Node& node = nodes_.emplace_back();
  node.type = std::move(type);
  node.name = std::move(name);
  node.self = std::prev(nodes_.end());
  return &node;
}

Node* Graph::InsertBefore(const Node* position, std::string type, std::string name) {
  const auto it = nodes_.emplace(position->self);
  it->type = std::move(type);
  it->name = std::move(name);
  it->self = it;
  return &*it;
}

Node* Graph::InsertAfter(const Node* position, std::string type, std::string name) {
  const auto it = nodes_.emplace(std::next(position->self));
  it->type = std::move(type);
  it->name = std::move(name);
  it->self = it;
  return &*it;
}

void Graph::Erase(Node* node) {
  while (!node->inputs.empty()) RemoveInputSlot(node, std::string(node->inputs.back().name));
  for (OutSlot& slot : node->outputs) {
    for (Value* value : slot.values) value->producer = nullptr;
  }
  nodes_.erase(node->self);
}

void Graph::MoveBefore(const Node* position, Node* node) {
  nodes_.splice(position->self, nodes_, node->self);
}

void Graph::AddUse(Value* value, Use use) { value->uses.push_back(use); }

void Graph::RemoveUse(Value* value, const Use& use) {
  const auto it = std::find(value->uses.begin(), value->uses.end(), use);
  if (it != value->uses.end()) value->uses.erase(it);
}

void Graph::AddInput(Node* node, std::string_view slot, Value* value) {
  int index = node->SlotIndex(slot);
  if (index < 0) {
    node->inputs.push_back({std::string(slot), {}});
    index = static_cast<int>(node->inputs.size()) - 1;
  }
  auto& edges = node->inputs[static_cast<size_t>(index)].edges;
  edges.push_back({value, std::nullopt});
  AddUse(value, {node, index, static_cast<int>(edges.size()) - 1});
}

void Graph::SetInput(const Use& use, Value* value) {
  Edge& edge =
      use.node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)];
  const Use copy = use;  // `use` may lie in the list that RemoveUse edits
  RemoveUse(edge.value, copy);
  edge.value = value;
  AddUse(value, copy);
}

void Graph::RemoveInputSlot(Node* node, std::string_view slot) {
  const int index = node->SlotIndex(slot);
  if (index < 0) return;
  auto rebuild = [&](auto&& edit) {
    for (size_t s = 0; s < node->inputs.size(); ++s) {
      for (size_t e = 0; e < node->inputs[s].edges.size(); ++e) {
        edit(node->inputs[s].edges[e].value, Use{node, static_cast<int>(s), static_cast<int>(e)});
      }
    }
  };
  rebuild([&](Value* v, const Use& u) { RemoveUse(v, u); });
  node->inputs.erase(node->inputs.begin() + index);
  rebuild([&](Value* v, const Use& u) { AddUse(v, u); });
}

void Graph::AddOutput(Node* node, std::string_view slot, Value* value) {
  OutSlot* s = FindSlot(node->outputs, slot);
  if (s == nullptr) {
    node->outputs.push_back({std::string(slot), {}});
    s = &node->outputs.back();
  }
  s->values.push_back(value);
  value->producer = node;
}

void Graph::RemoveOutputSlot(Node* node, std::string_view slot) {
  OutSlot* s = FindSlot(node->outputs, slot);
  if (s == nullptr) return;
  for (Value* value : s->values) value->producer = nullptr;
  node->outputs.erase(node->outputs.begin() + (s - node->outputs.data()));
}

void Graph::ReplaceUses(Value* from, Value* to) {
  while (!from->uses.empty()) SetInput(from->uses.back(), to);
  std::replace(outputs.begin(), outputs.end(), from, to);
}

bool Graph::IsOutput(const Value* value) const {
  return std::find(outputs.begin(), outputs.end(), value) != outputs.end();
}

bool Graph::OnlyUsedBy(const Value* value, const Node* node) const {
  return value->uses.size() == 1 && value->uses[0].node == node && !IsOutput(value);
}

}  // namespace skiff::graph
