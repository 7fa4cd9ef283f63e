// Graph: what a Program means, for execution. SSA and typed: every Value is written by one node, or
// is an input or a constant; nodes stand in an order in which they can run.
//
// Nodes keep Paddle's operator types, slot names and attributes. Quantisation lives in two places:
//   - a Value of type s8 or u8 carries the grid its codes stand on (Value::grid);
//   - an input edge of a node may carry a grid on which the node wants a float value rounded before
//     it reads it (Use-site rounding, Edge::grid): what a model's fake operators said.
// Extents are always Paddle's logical ones (N, C, H, W); Value::layout says how a 4-D value lies in
// memory.
//
// Ownership: the Graph owns nodes and values; pointers stay valid until the node or value is
// erased. Thread-safety: none while it is edited; const access from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/rounding.h"
#include "base/status.h"
#include "program/attributes.h"
#include "program/program.h"

namespace skiff::graph {

struct Node;

// The grid of a quantised tensor: real value = code * step. Symmetric, zero point 0.
struct Grid {
  // One step, or one per extent of `axis`. Double, so that products of steps are rounded once. A
  // weight's step turns negative when a negative batch-norm scale was folded into it.
  std::vector<double> step;
  int axis = -1;  // -1: one step for the tensor
  RoundMode round = RoundMode::kHalfEven;
  bool is_unsigned = false;  // codes 0..max_code in u8, otherwise lowest()..max_code in s8
  int max_code = 127;        // 255: the full-range option, unsigned only

  // As Paddle's own quantisers clip (docs/formats.md): those that round half to even keep -128.
  [[nodiscard]] int lowest() const {
    if (is_unsigned) return 0;
    return round == RoundMode::kHalfEven ? -max_code - 1 : -max_code;
  }
  [[nodiscard]] double threshold() const { return step.at(0) * max_code; }
  friend bool operator==(const Grid&, const Grid&) = default;
};

enum class Layout { kPlain, kNhwc };  // kPlain: row-major in the logical order (NCHW)

struct Use {
  Node* node;
  int slot;
  int index;
  friend bool operator==(const Use&, const Use&) = default;
};

struct Value {
  int id = 0;
  std::string name;  // Paddle's variable name; two values may share one (a variable written twice)
  DType dtype = DType::kFloat32;
  // Declared extents, -1 unknown; a hint (rank, channels), checked against the truth at run time.
  std::vector<int64_t> dims;
  Layout layout = Layout::kPlain;
  std::optional<Grid> grid;                         // only with dtype s8 or u8
  std::shared_ptr<const program::Tensor> constant;  // parameters and folded constants
  Node* producer = nullptr;                         // null for inputs and constants
  std::vector<Use> uses;                            // kept by the Graph
};

struct Edge {
  Value* value = nullptr;
  std::optional<Grid> grid;  // round the (float) value onto this before reading it
};

struct InSlot {
  std::string name;
  std::vector<Edge> edges;
};

struct OutSlot {
  std::string name;
  std::vector<Value*> values;
};

struct Node {
  std::string type;
  std::string name;  // unique, for messages and profiles: the first output's variable name
  std::vector<InSlot> inputs;
  std::vector<OutSlot> outputs;
  std::vector<program::Attribute> attributes;  // names are unique here
  // Why a node that could have been INT8 is not; shown by `skiff explain`.
  std::string why_float;
  std::list<Node>::iterator self;  // kept by the Graph

  // The first value of a slot, or null when the slot is absent or empty.
  [[nodiscard]] Value* In(std::string_view slot) const;
  [[nodiscard]] Value* Out(std::string_view slot) const;
  [[nodiscard]] const Edge* InEdge(std::string_view slot) const;
  [[nodiscard]] Edge* MutableInEdge(std::string_view slot);
  [[nodiscard]] int SlotIndex(std::string_view slot) const;  // of an input slot; -1 when absent
  [[nodiscard]] program::AttributeReader Attributes() const {
    return program::AttributeReader(attributes);
  }
  void SetAttribute(std::string_view name, program::AttrType type, program::AttrValue value);
  void RemoveAttribute(std::string_view name);
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // -- values
  Value* AddValue(std::string name, DType dtype, std::vector<int64_t> dims);
  Value* AddConstant(std::string name, std::shared_ptr<const program::Tensor> tensor);
  // A float constant made by a pass.
  Value* AddFloatConstant(std::string name, std::vector<int64_t> dims, std::vector<float> data);

  // -- nodes
  Node* AddNode(std::string type, std::string name);  // at the end
  Node* InsertBefore(const Node* position, std::string type, std::string name);
  Node* InsertAfter(const Node* position, std::string type, std::string name);
  // Detaches the node from its inputs and forgets it. REQUIRES: its outputs have no uses.
  void Erase(Node* node);
  void MoveBefore(const Node* position, Node* node);

  // -- wiring
  void AddInput(Node* node, std::string_view slot, Value* value);
  void SetInput(const Use& use, Value* value);
  void RemoveInputSlot(Node* node, std::string_view slot);
  void AddOutput(Node* node, std::string_view slot, Value* value);
  void RemoveOutputSlot(Node* node, std::string_view slot);
  // Every reader of `from`, and the graph's outputs, read `to` instead.
  void ReplaceUses(Value* from, Value* to);

  std::list<Node>& nodes() { return nodes_; }
  [[nodiscard]] const std::list<Node>& nodes() const { return nodes_; }
  std::deque<Value>& values() { return values_; }
  [[nodiscard]] const std::deque<Value>& values() const { return values_; }

  // The model's inputs and outputs in the order of the API, and the names it gives them.
  std::vector<Value*> inputs;
  std::vector<Value*> outputs;
  std::vector<std::string> output_names;

  [[nodiscard]] bool IsOutput(const Value* value) const;
  // True when `value` is not a graph output and `node` holds its only use.
  [[nodiscard]] bool OnlyUsedBy(const Value* value, const Node* node) const;

  // Order, uses and producers agree, integer values have grids, constants have data. Internal error
  // naming the node otherwise.
  [[nodiscard]] Status Verify() const;
  // One line per node: "%out:u8[0.0123] = conv2d(Input=%x, Filter=%w) {strides=[1, 1]}".
  [[nodiscard]] std::string ToString() const;

 private:
  void AddUse(Value* value, Use use);
  void RemoveUse(Value* value, const Use& use);

  std::list<Node> nodes_;
  std::deque<Value> values_;
};

}  // namespace skiff::graph
