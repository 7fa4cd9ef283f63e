// assign_layouts: 4-D activations lie NHWC inside convolution islands and NCHW where an operator,
// or the user, needs that; transfer_layout nodes stand at the borders.
#include <array>
#include <unordered_map>

#include "ops/op_def.h"
#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Layout;
using graph::Node;
using graph::Use;
using graph::Value;

class Assigner {
 public:
  explicit Assigner(Graph& graph) : graph_(graph) {}

  Status Run() {
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node* node = &*it++;
      const ops::OpDef* op = ops::FindOp(node->type);
      if (op == nullptr) return Internal("no operator " + node->type);
      Visit(node, *op);
    }
    for (Value*& output : graph_.outputs) {
      if (output->layout == Layout::kNhwc) output = Copy(output, Layout::kPlain, nullptr);
    }
    return OkStatus();
  }

 private:
  void Visit(Node* node, const ops::OpDef& op) {
    if (node->type == "quantize" || node->type == "dequantize") return VisitConversion(node);
    const bool follows = op.layout == ops::LayoutRule::kFollow && ReadsNhwc(*node) &&
                         (op.accepts_nhwc == nullptr || op.accepts_nhwc(*node));
    const bool nhwc = op.layout == ops::LayoutRule::kNhwc || follows;
    const Layout layout = nhwc ? Layout::kNhwc : Layout::kPlain;
    SetInputs(node, layout);
    for (graph::OutSlot& slot : node->outputs) {
      for (Value* value : slot.values) {
        // What an NHWC operator writes is 4-D whatever the file declares of it.
        const bool island = op.layout == ops::LayoutRule::kNhwc;
        if (island || value->dims.size() == 4) value->layout = layout;
      }
    }
  }

  // quantize and dequantize read either layout and write the one that is wanted next.
  void VisitConversion(Node* node) {
    Value* out = node->Out("Output");
    if (out->dims.size() != 4 && node->In("Input")->layout == Layout::kPlain) return;
    bool nhwc = node->In("Input")->layout == Layout::kNhwc;
    for (const Use& use : out->uses) {
      const ops::OpDef* reader = ops::FindOp(use.node->type);
      nhwc = nhwc || (reader != nullptr && reader->layout == ops::LayoutRule::kNhwc);
    }
    out->layout = nhwc ? Layout::kNhwc : Layout::kPlain;
  }

  static bool ReadsNhwc(const Node& node) {
    for (const graph::InSlot& slot : node.inputs) {
      for (const graph::Edge& edge : slot.edges) {
        if (edge.value->layout == Layout::kNhwc) return true;
      }
    }
    return false;
  }

  void SetInputs(Node* node, Layout layout) {
    for (size_t s = 0; s < node->inputs.size(); ++s) {
      for (size_t e = 0; e < node->inputs[s].edges.size(); ++e) {
        const graph::Edge& edge = node->inputs[s].edges[e];
        // Constants are read by their logical order; a float input with a grid is a stem's, which
        // takes the user's NCHW.
        if (edge.value->constant || edge.grid || edge.value->layout == layout) continue;
        if (layout == Layout::kNhwc && !IsActivation(*node, node->inputs[s].name, *edge.value)) {
          continue;
        }
        graph_.SetInput({node, static_cast<int>(s), static_cast<int>(e)},
                        Copy(edge.value, layout, node));
      }
    }
  }

  // Of an NHWC node's inputs the 4-D ones are converted: declared so, or the main input by nature.
  static bool IsActivation(const Node& node, std::string_view slot, const Value& value) {
    const bool main = slot == "Input" || slot == "X" || slot == "ResidualData";
    const ops::OpDef* op = ops::FindOp(node.type);
    return value.dims.size() == 4 || (main && op->layout == ops::LayoutRule::kNhwc);
  }

  Value* Copy(Value* value, Layout layout, const Node* before) {
    Value*& copy = copies_[value];
    if (copy != nullptr) return copy;
    copy = graph_.AddValue(value->name, value->dtype, value->dims);
    copy->grid = value->grid;
    copy->layout = layout;
    Node* node = value->producer != nullptr
                     ? graph_.InsertAfter(value->producer, "transfer_layout", value->name)
                 : before != nullptr
                     ? graph_.InsertBefore(&graph_.nodes().front(), "transfer_layout", value->name)
                     : graph_.AddNode("transfer_layout", value->name);
    graph_.AddInput(node, "X", value);
    graph_.AddOutput(node, "Out", copy);
    return copy;
  }

  Graph& graph_;
  std::unordered_map<Value*, Value*> copies_;  // a value has one layout, so at most one copy
};

}  // namespace

Status AssignLayouts(Graph& graph) { return Assigner(graph).Run(); }

}  // namespace skiff::passes
