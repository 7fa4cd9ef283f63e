// fold_constants: a node whose inputs are all constant is run once, at load.
#include <cstring>

#include "base/isa.h"
#include "ops/op_def.h"
#include "passes/passes.h"
#include "passes/pattern.h"
#include "steps/known_ints.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

// A constant larger than this is made at each run instead of being kept.
constexpr int64_t kMaxElements = int64_t{1} << 24;

struct Buffer {
  std::shared_ptr<std::vector<std::byte>> bytes;
  steps::Tensor tensor;
};

bool AllInputsConstant(const Node& node) {
  for (const graph::InSlot& slot : node.inputs) {
    for (const graph::Edge& edge : slot.edges) {
      // Codes stay codes: nothing that reads an s8 weight is worth folding.
      if (!edge.value->constant || edge.value->grid || edge.grid) return false;
    }
  }
  return true;
}

steps::TensorShape ShapeOf(const program::Tensor& tensor) {
  steps::TensorShape shape;
  shape.dims = Dims(tensor.dims);
  steps::SetKnownInts(tensor.dtype, tensor.data.bytes.data(), &shape);
  return shape;
}

Buffer Allocate(size_t bytes, const Dims& dims) {
  Buffer buffer;
  buffer.bytes = std::make_shared<std::vector<std::byte>>(bytes + steps::kBufferSlack);
  buffer.tensor = {buffer.bytes->data(), dims};
  return buffer;
}

class Folder {
 public:
  Folder(Graph& graph, Node* node) : graph_(graph), node_(node) {}

  // False: the node is left as it is (its lowering or its run refused; that is reported later, with
  // the rest of the plan's errors).
  bool Fold() {
    const ops::OpDef* op = ops::FindOp(node_->type);
    if (op == nullptr || node_->outputs.empty()) return false;
    Result<ops::Lowered> lowered = op->lower({graph_, *node_, Isa::kScalar});
    if (!lowered.ok() || lowered->outputs.size() != 1) return false;
    BindInputs(*lowered);
    if (!Run(*lowered).ok()) return false;
    Replace(const_cast<Value*>(lowered->outputs[0]));
    return true;
  }

 private:
  void BindInputs(const ops::Lowered& lowered) {
    for (const Value* value : lowered.inputs) {
      const program::Tensor& tensor = *value->constant;
      in_shapes_.push_back(ShapeOf(tensor));
      Buffer& buffer =
          buffers_.emplace_back(Allocate(tensor.data.bytes.size(), in_shapes_.back().dims));
      if (!tensor.data.bytes.empty()) {
        std::memcpy(buffer.bytes->data(), tensor.data.bytes.data(), tensor.data.bytes.size());
      }
      in_.push_back(buffer.tensor);
    }
  }

  Status Run(const ops::Lowered& lowered) {
    std::vector<const steps::TensorShape*> in_shapes;
    for (const steps::TensorShape& shape : in_shapes_) in_shapes.push_back(&shape);
    std::array<steps::TensorShape*, 1> out_shapes = {&out_shape_};
    const std::unique_ptr<steps::StepState> state = lowered.step->NewState();
    steps::ShapeContext shapes(in_shapes, out_shapes, state.get(), 1);
    SKIFF_RETURN_IF_ERROR(lowered.step->Reshape(shapes));
    const int64_t n = out_shape_.dims.Numel();
    if (n < 0 || n > kMaxElements) return ResourceExhausted("too large to fold");
    const int alias = lowered.step->AliasInput();
    const size_t bytes = static_cast<size_t>(n) * SizeOf(lowered.outputs[0]->dtype);
    if (alias >= 0) {
      result_ = buffers_[static_cast<size_t>(alias)];
      if (result_.bytes->size() - steps::kBufferSlack != bytes) return Internal("alias size");
      return OkStatus();
    }
    result_ = Allocate(bytes, out_shape_.dims);
    Buffer workspace = Allocate(shapes.workspace() + 64, {});
    auto address = reinterpret_cast<uintptr_t>(workspace.bytes->data());
    std::array<steps::Tensor, 1> out = {result_.tensor};
    ThreadPool pool(1);
    return lowered.step->Run({in_, out,
                              reinterpret_cast<std::byte*>((address + 63) & ~uintptr_t{63}),
                              state.get(), &pool});
  }

  void Replace(Value* out) {
    auto tensor = std::make_shared<program::Tensor>();
    tensor->dtype = out->dtype;
    tensor->dims.assign(out_shape_.dims.span().begin(), out_shape_.dims.span().end());
    tensor->data = {result_.bytes,
                    std::span(*result_.bytes).first(result_.bytes->size() - steps::kBufferSlack)};
    graph_.ReplaceUses(out, graph_.AddConstant(out->name, std::move(tensor)));
    graph_.Erase(node_);
  }

  Graph& graph_;
  Node* node_;
  std::deque<Buffer> buffers_;
  std::deque<steps::TensorShape> in_shapes_;
  std::vector<steps::Tensor> in_;
  steps::TensorShape out_shape_;
  Buffer result_;
};

bool OutputsUnusedButFirst(const Graph& graph, const Node& node) {
  int used = 0;
  for (const graph::OutSlot& slot : node.outputs) {
    for (const Value* value : slot.values) used += !value->uses.empty() || graph.IsOutput(value);
  }
  return used <= 1;
}

}  // namespace

Status FoldConstants(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node* node = &*it++;
    if (AllInputsConstant(*node) && OutputsUnusedButFirst(graph, *node)) {
      Folder(graph, node).Fold();
    }
  }
  return OkStatus();
}

}  // namespace skiff::passes
