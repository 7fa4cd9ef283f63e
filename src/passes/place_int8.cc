// place_int8: which nodes run in integers (docs/numerics.md, "Which tensors are rounded").
//
//  1. Choose:     a convolution (transposed too) or fc with an s8 weight and a rounded input runs
//  in integers, as does
//                 a product of two rounded activations; every other rounded edge becomes quantize +
//                 dequantize (the file's rounding, in float).
//  2. Quantise:   each (tensor, grid) pair gets one quantize node; the chosen nodes read codes.
//  3. Carry:      a residual add reads the codes that a quantised reader of the same tensor has.
//  4. Hoist:      quantize moves in front of operators that pass integers through.
//  5. Write:      a quantize right behind a chosen node, or a float one that can round its results,
//                 merges into it: it writes codes.
#include <algorithm>

#include "ops/op_def.h"
#include "passes/non_negative.h"
#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Edge;
using graph::Graph;
using graph::Grid;
using graph::Node;
using graph::Use;
using graph::Value;

bool IsFc(const Node& node) { return node.type == "fc"; }
constexpr std::string_view kOperands[] = {"X", "Y"};  // of a product
std::string_view WeightSlot(const Node& node) { return IsFc(node) ? "W" : "Filter"; }

// Of two activations: with weights it is an fc.
bool IsProduct(const Node& node) {
  return IsOneOf(node.type, {"mul", "matmul", "matmul_v2", "bmm"});
}

bool IsTransposed(const Node& node) {
  return IsOneOf(node.type, {"conv2d_transpose", "depthwise_conv2d_transpose"});
}

bool ReadsCodes(const Node& node) {
  if (IsProduct(node)) {
    return std::all_of(std::begin(kOperands), std::end(kOperands), [&](std::string_view slot) {
      const Edge* edge = node.InEdge(slot);
      return edge != nullptr && (IsInt8(edge->value->dtype) || edge->grid.has_value());
    });
  }
  const Value* input = node.In("Input");
  const Value* weight =
      (IsConv2d(node) || IsFc(node) || IsTransposed(node)) ? node.In(WeightSlot(node)) : nullptr;
  return input != nullptr && weight != nullptr && weight->grid.has_value() &&
         (IsInt8(input->dtype) || node.InEdge("Input")->grid.has_value());
}

class Placer {
 public:
  Placer(Graph& graph, std::vector<CarriedSkip>* skips, std::span<const std::string> types)
      : graph_(graph), skips_(skips), types_(types) {}

  Status Run() {
    Choose();
    SKIFF_RETURN_IF_ERROR(Quantise());
    Carry();
    Hoist();
    Write();
    RemoveDeadNodes(graph_);
    return DequantizeWeights(graph_);
  }

 private:
  // -- 1
  void Choose() {
    for (Node& node : graph_.nodes()) {
      const bool has_weight = IsConv2d(node) || IsFc(node) || IsTransposed(node);
      if (!has_weight && !IsProduct(node)) continue;
      node.why_float = has_weight ? WhyFloat(node) : WhyFloatProduct(node);
      if (node.why_float.empty() && !MayRunInt8(node)) {
        node.why_float = "its type is not among those that were asked for";
      }
    }
  }

  [[nodiscard]] bool MayRunInt8(const Node& node) const {
    const auto has = [&](std::string_view type) {
      return std::find(types_.begin(), types_.end(), type) != types_.end();
    };
    if (types_.empty() || has(node.type)) return true;
    if (IsTransposed(node)) return false;
    return IsFc(node) ? has("mul") || has("matmul") || has("matmul_v2") : has("conv2d");
  }

  static std::string WhyFloatProduct(const Node& node) {
    for (const std::string_view slot : kOperands) {
      const Edge* edge = node.InEdge(slot);
      if (edge == nullptr) return "an operand is missing";
      const std::string& name = edge->value->name;
      if (edge->value->constant) return "its constant operand " + name + " is no weight of an fc";
      if (!edge->grid) return "the model has no threshold for its input " + name;
    }
    if (node.InEdge("Y")->grid->max_code > 127) return "its right operand has codes above 127";
    for (const char* flag : {"trans_x", "transpose_X"}) {
      if (node.Attributes().Bool(flag, false)) return "its left operand is transposed";
    }
    return {};
  }

  static std::string WhyFloat(const Node& node) {
    const Value* weight = node.In(WeightSlot(node));
    const Edge* input = node.InEdge("Input");
    if (weight == nullptr || input == nullptr) return "an operand is missing";
    if (!weight->grid) return "the model does not quantise its weight";
    if (!input->grid) return "the model has no threshold for its input " + input->value->name;
    if (weight->grid->step.size() > 1 && weight->grid->axis != (IsConv2d(node) ? 0 : 1)) {
      return "weight scales do not run along its output channels";
    }
    if (IsTransposed(node) && node.Attributes().Int("groups", 1) != 1) {
      return "no INT8 kernel for grouped transposed convolutions";
    }
    return {};
  }

  static bool RunsInt8(const Node& node) { return ReadsCodes(node) && node.why_float.empty(); }

  // -- 2
  Status Quantise() {
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node* node = &*it++;
      for (size_t s = 0; s < node->inputs.size(); ++s) {
        for (size_t e = 0; e < node->inputs[s].edges.size(); ++e) {
          SKIFF_RETURN_IF_ERROR(
              QuantiseEdge(node, {node, static_cast<int>(s), static_cast<int>(e)}));
        }
      }
    }
    return OkStatus();
  }

  Status QuantiseEdge(Node* node, const Use& use) {
    Edge& edge = node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)];
    if (!edge.grid) return OkStatus();
    if (edge.value->dtype != DType::kFloat32) {
      return Unsupported(node->type + " " + node->name + ": its quantised input " +
                         edge.value->name + " is " + std::string(Name(edge.value->dtype)));
    }
    Grid grid = *edge.grid;
    if (!grid.is_unsigned) grid.is_unsigned = non_negative_(edge.value);
    const bool data = IsProduct(*node) || node->SlotIndex("Input") == use.slot;
    if (RunsInt8(*node) && data && ReadsUserFloats(*node, edge.value)) {
      edge.grid = grid;  // the first convolution quantises on the way
      return OkStatus();
    }
    const bool residual = node->inputs[static_cast<size_t>(use.slot)].name == "ResidualData";
    const bool takes_codes = RunsInt8(*node) && (data || residual);
    edge.grid.reset();
    Value* codes = Codes(edge.value, grid);
    graph_.SetInput(use, takes_codes ? codes : Dequantised(codes));
    return OkStatus();
  }

  // A convolution that alone reads an input of the model, with few enough channels to be a stem.
  bool ReadsUserFloats(const Node& node, const Value* value) const {
    const bool input =
        std::find(graph_.inputs.begin(), graph_.inputs.end(), value) != graph_.inputs.end();
    const Value* filter = node.In("Filter");
    return input && IsConv2d(node) && value->uses.size() == 1 &&
           ConstantDims(*filter).size() == 4 && ConstantDims(*filter)[1] <= 4 &&
           node.Attributes().Int("groups", 1) == 1;
  }

  // The codes of `value` on `grid`: an existing quantize node's, or those of a new one.
  Value* Codes(Value* value, const Grid& grid) {
    for (const Use& use : value->uses) {
      Value* out = use.node->type == "quantize" ? use.node->Out("Output") : nullptr;
      if (out != nullptr && out->grid == grid) return out;
    }
    Value* codes =
        graph_.AddValue(value->name, grid.is_unsigned ? DType::kUInt8 : DType::kInt8, value->dims);
    codes->grid = grid;
    Node* node = InsertBehind(value, "quantize", value->name);
    graph_.AddInput(node, "Input", value);
    graph_.AddOutput(node, "Output", codes);
    return codes;
  }

  Value* Dequantised(Value* codes) {
    for (const Use& use : codes->uses) {
      if (use.node->type == "dequantize") return use.node->Out("Output");
    }
    // Not the tensor itself but its rounded copy, under a name of its own.
    Value* value = graph_.AddValue(codes->name + ".rounded", DType::kFloat32, codes->dims);
    Node* node = InsertBehind(codes, "dequantize", value->name);
    graph_.AddInput(node, "Input", codes);
    graph_.AddOutput(node, "Output", value);
    return value;
  }

  Node* InsertBehind(const Value* value, std::string type, const std::string& name) {
    if (value->producer != nullptr)
      return graph_.InsertAfter(value->producer, std::move(type), name);
    return graph_.InsertBefore(&graph_.nodes().front(), std::move(type), name);
  }

  // The only quantize node that reads `value`; null when there are several or none.
  static Node* OnlyQuantize(const Value* value) {
    Node* found = nullptr;
    for (const Use& use : value->uses) {
      if (use.node->type != "quantize") continue;
      if (found != nullptr) return nullptr;
      found = use.node;
    }
    return found;
  }

  // -- 3
  void Carry() {
    for (Value& value : graph_.values()) {
      const Node* quantize = OnlyQuantize(&value);
      if (quantize == nullptr || graph_.IsOutput(&value) || value.producer == nullptr) continue;
      std::vector<Use> adds;
      for (const Use& use : value.uses) {
        if (use.node == quantize) continue;
        if (!IsResidualEdge(use)) {
          adds.clear();
          break;
        }
        adds.push_back(use);
      }
      if (adds.empty()) continue;
      Value* codes = quantize->Out("Output");
      for (const Use& use : adds) graph_.SetInput(use, codes);
      if (skips_ != nullptr) skips_->push_back({value.name, *codes->grid});
    }
  }

  static bool IsResidualEdge(const Use& use) {
    return RunsInt8(*use.node) &&
           use.node->inputs[static_cast<size_t>(use.slot)].name == "ResidualData";
  }

  // -- 4
  void Hoist() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
        Node* node = &*it++;
        if (node->type == "quantize" && HoistOver(node)) changed = true;
      }
    }
  }

  // Operators whose integer result is the quantised float result: they move or choose elements.
  static bool PassesIntegers(const Node& node) {
    if (node.type == "pool2d") {
      return node.Attributes().String("pooling_type", "max") == "max";
    }
    return IsOneOf(node.type, {"reshape2", "reshape", "transpose2", "transpose", "flatten",
                               "flatten2", "flatten_contiguous_range", "squeeze2", "unsqueeze2",
                               "concat", "nearest_interp", "nearest_interp_v2"});
  }

  bool HoistOver(Node* quantize) {
    Value* value = quantize->In("Input");
    Node* node = value->producer;
    if (node == nullptr || !PassesIntegers(*node) || OnlyReader(graph_, value) != quantize) {
      return false;
    }
    Grid grid = *quantize->Out("Output")->grid;
    // An input that may be negative has no u8 codes: a maximum of such is left alone.
    for (const Use& use : DataEdges(node)) {
      const Edge& edge =
          node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)];
      if (edge.grid || edge.value->constant || (grid.is_unsigned && !non_negative_(edge.value))) {
        return false;
      }
    }
    for (const Use& use : DataEdges(node)) {
      Value* input =
          node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)].value;
      graph_.SetInput(use, Codes(input, grid));
    }
    TakeOutput(graph_, node, SlotOf(*node, value), quantize->Out("Output"));
    graph_.Erase(quantize);
    return true;
  }

  static std::vector<Use> DataEdges(Node* node) {
    std::vector<Use> uses;
    for (size_t s = 0; s < node->inputs.size(); ++s) {
      for (size_t e = 0; e < node->inputs[s].edges.size(); ++e) {
        if (node->inputs[s].edges[e].value->dtype == DType::kFloat32) {
          uses.push_back({node, static_cast<int>(s), static_cast<int>(e)});
        }
      }
    }
    return uses;
  }

  static std::string SlotOf(const Node& node, const Value* value) {
    for (const graph::OutSlot& slot : node.outputs) {
      if (std::find(slot.values.begin(), slot.values.end(), value) != slot.values.end()) {
        return slot.name;
      }
    }
    return {};
  }

  // -- 5
  void Write() {
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node* quantize = &*it++;
      if (quantize->type != "quantize") continue;
      Value* value = quantize->In("Input");
      Node* node = value->producer;
      if (node == nullptr || !WritesCodes(*node) || OnlyReader(graph_, value) != quantize) continue;
      TakeOutput(graph_, node, SlotOf(*node, value), quantize->Out("Output"));
      graph_.Erase(quantize);
    }
  }

  static bool WritesCodes(const Node& node) {
    const ops::OpDef* op = ops::FindOp(node.type);
    return RunsInt8(node) || (op != nullptr && op->writes_codes);
  }

  Graph& graph_;
  std::vector<CarriedSkip>* skips_;
  std::span<const std::string> types_;
  NonNegative non_negative_;
};

}  // namespace

Status PlaceInt8(Graph& graph, std::vector<CarriedSkip>* skips,
                 std::span<const std::string> types) {
  return Placer(graph, skips, types).Run();
}

}  // namespace skiff::passes
