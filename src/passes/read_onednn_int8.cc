// read_onednn_int8: representation R7. In such a program tensors between operators are integers,
// and what they mean stands in the attributes of the operators around them. Here each integer
// tensor becomes the float tensor that it stands for, together with the grid that it was rounded
// on; the edges of its readers carry that grid.
#include <cmath>
#include <map>

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

// Scale_* attributes are multipliers: code = real * scale.
Grid GridOf(double scale, bool is_unsigned) {
  Grid grid;
  grid.step = {1.0 / scale};
  grid.is_unsigned = is_unsigned;
  grid.max_code = is_unsigned ? 255 : 127;
  return grid;
}

bool IsInt8Op(const Node& node) {
  return node.Attributes().String("mkldnn_data_type", "") == "int8";
}

Result<double> Scale(const Node& node, std::string_view name) {
  const double scale = node.Attributes().Float(name, 0);
  if (scale > 0 && std::isfinite(scale)) return scale;
  return Corruption(node.type + " " + node.name + ": attribute " + std::string(name) +
                    " is not a positive number");
}

class Reader {
 public:
  explicit Reader(Graph& graph) : graph_(graph) {}

  Status Run() {
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node* node = &*it++;
      SKIFF_RETURN_IF_ERROR(Visit(node));
    }
    RemoveDeadNodes(graph_);
    return OkStatus();
  }

 private:
  Status Visit(Node* node) {
    Rename(node);
    if (node->type == "quantize") return VisitQuantize(node);
    if (node->type == "dequantize" || node->type == "requantize") return VisitDequantize(node);
    RoundInputs(node);
    if (!IsInt8Op(*node)) return OkStatus();
    if (IsConv2d(*node)) return VisitConv(node);
    if (node->type == "fc") return VisitFc(node);
    if (IsOneOf(node->type, {"elementwise_add", "elementwise_sub", "elementwise_mul"})) {
      return VisitElementwise(node);
    }
    return PassGridOn(node);
  }

  // Paddle's fused_* names of operators that compute the same.
  static void Rename(Node* node) {
    constexpr std::string_view kFused = "fused_";
    if (node->type.starts_with("fused_elementwise_")) node->type.erase(0, kFused.size());
    if (node->type == "fused_transpose") node->type = "transpose2";
  }

  Status VisitQuantize(Node* node) {
    Value* x = node->In("Input");
    Value* out = node->Out("Output");
    if (x == nullptr || out == nullptr) return Corruption("quantize without Input or Output");
    if (node->Attributes().Float("Shift", 0) != 0) {
      return Unsupported("quantize " + node->name + ": a Shift");
    }
    SKIFF_ASSIGN_OR_RETURN(const double scale, Scale(*node, "Scale"));
    const bool is_unsigned = !node->Attributes().Bool("is_negative_input", false);
    Stand(out, x, GridOf(scale, is_unsigned));
    return OkStatus();
  }

  Status VisitDequantize(Node* node) {
    Value* x = node->In("Input");
    Value* out = node->Out("Output");
    if (x == nullptr || out == nullptr) return Corruption(node->type + " without Input or Output");
    const auto it = grids_.find(x);
    if (it == grids_.end()) {
      return Corruption(node->type + " " + node->name + " reads " + x->name +
                        ", whose scale nothing tells");
    }
    Grid grid = it->second;
    if (node->type == "requantize") {
      SKIFF_ASSIGN_OR_RETURN(const double scale, Scale(*node, "Scale_out"));
      grid = GridOf(scale, grid.is_unsigned);
    }
    // The readers see what was rounded; the tensor itself stays as it is.
    graph_.ReplaceUses(out, x);
    for (const Use& use : x->uses) SetGrid(use, grid);
    return OkStatus();
  }

  // `codes` stands for `real` rounded on `grid`.
  void Stand(Value* codes, Value* real, const Grid& grid) {
    const std::vector<Use> uses = codes->uses;
    graph_.ReplaceUses(codes, real);
    for (const Use& use : uses) {
      if (!IsOneOf(use.node->type, {"dequantize", "requantize"})) SetGrid(use, grid);
    }
    grids_.emplace(real, grid);
  }

  static void SetGrid(const Use& use, const Grid& grid) {
    use.node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)].grid =
        grid;
  }

  void RoundInputs(Node* node) {
    for (graph::InSlot& slot : node->inputs) {
      for (Edge& edge : slot.edges) {
        const auto it = written_.find(edge.value);
        if (!edge.grid && it != written_.end()) edge.grid = it->second;
      }
    }
  }

  // The node's output is integers of this grid in the file.
  void Written(Node* node, std::string_view slot, const Grid& grid) {
    Value* out = node->Out(slot);
    if (out == nullptr) return;
    out->dtype = DType::kFloat32;
    written_[out] = grid;
    grids_[out] = grid;
  }

  // Pooling, reshaping and the like hand the integers on.
  Status PassGridOn(Node* node) {
    for (const graph::InSlot& slot : node->inputs) {
      for (const Edge& edge : slot.edges) {
        if (!edge.grid) continue;
        for (const graph::OutSlot& out : node->outputs) {
          if (out.name != "XShape") Written(node, out.name, *edge.grid);
        }
        return OkStatus();
      }
    }
    return OkStatus();
  }

  Status VisitElementwise(Node* node) {
    const std::string name = node->Attributes().Has("scale_out") ? "scale_out" : "Scale_out";
    SKIFF_ASSIGN_OR_RETURN(const double scale, Scale(*node, name));
    Written(node, "Out", GridOf(scale, false));
    return OkStatus();
  }

  // The scale that a reader of `value` assumes: of the offline form, which does not tell its own.
  static Result<double> ReaderScale(const Value& value) {
    for (const Use& use : value.uses) {
      const std::string& slot = use.node->inputs[static_cast<size_t>(use.slot)].name;
      const program::AttributeReader attributes = use.node->Attributes();
      for (std::string_view name : {"Scale", "Scale_in", "scale_x", "scale_y"}) {
        if ((name == "scale_x" && slot != "X") || (name == "scale_y" && slot != "Y")) continue;
        if (attributes.Has(name)) return passes::Scale(*use.node, name);
      }
    }
    return Corruption("nothing tells the scale of " + value.name);
  }

  Status VisitConv(Node* node) {
    SKIFF_ASSIGN_OR_RETURN(const double in, Scale(*node, "Scale_in"));
    program::AttributeReader attributes = node->Attributes();
    const bool float_out = attributes.Bool("force_fp32_output", false);
    const std::string activation = attributes.String("fuse_activation", "");
    const Value* filter = node->In("Filter");
    if (filter == nullptr || !filter->constant) return Corruption("a filter that is no parameter");
    const bool offline = filter->dtype == DType::kInt8;
    double out = 1;
    if (!float_out) {
      const std::string name = offline && !activation.empty() ? "Activation_scale" : "Scale_out";
      SKIFF_ASSIGN_OR_RETURN(out, offline && activation.empty() ? ReaderScale(*node->Out("Output"))
                                                                : Scale(*node, name));
    }
    std::vector<double> step;
    if (offline) {
      // Output_shift_scale = (Scale_out, where nothing lies between, else 1) / (Scale_in * Sw).
      const double folded = float_out || !activation.empty() ? 1.0 : out;
      for (float s : attributes.Floats("Output_shift_scale", {})) step.push_back(s * in / folded);
      SKIFF_RETURN_IF_ERROR(FloatBias(node));
    } else {
      for (float s : attributes.Floats("Scale_weights", {})) step.push_back(1.0 / s);
    }
    SKIFF_RETURN_IF_ERROR(SetWeight(node, "Filter", 0, std::move(step)));
    if (float_out) return OkStatus();
    const bool is_unsigned = activation == "relu" || activation == "relu6";
    Written(node, "Output", GridOf(out, is_unsigned));
    return OkStatus();
  }

  // The offline form stores the bias as int32 = b * Bias_scales.
  Status FloatBias(Node* node) {
    const Value* bias = node->In("Bias");
    if (bias == nullptr || bias->dtype != DType::kInt32) return OkStatus();
    const std::vector<float> scales = node->Attributes().Floats("Bias_scales", {});
    const auto stored = bias->constant->As<int32_t>();
    if (scales.size() != stored.size() && scales.size() != 1) {
      return Corruption("conv " + node->name + ": Bias_scales has " +
                        std::to_string(scales.size()) + " elements");
    }
    std::vector<float> data;
    for (size_t i = 0; i < stored.size(); ++i) {
      data.push_back(static_cast<float>(stored[i]) / scales[i % scales.size()]);
    }
    graph_.SetInput({node, node->SlotIndex("Bias"), 0},
                    graph_.AddFloatConstant(bias->name, ConstantDims(*bias), std::move(data)));
    return OkStatus();
  }

  Status VisitFc(Node* node) {
    std::vector<double> step;
    for (float s : node->Attributes().Floats("Scale_weights", {})) step.push_back(1.0 / s);
    SKIFF_RETURN_IF_ERROR(SetWeight(node, "W", 1, std::move(step)));
    if (node->Attributes().Bool("force_fp32_output", false)) return OkStatus();
    SKIFF_ASSIGN_OR_RETURN(const double out, Scale(*node, "Scale_out"));
    Written(node, "Out", GridOf(out, node->Attributes().String("activation_type", "") == "relu"));
    return OkStatus();
  }

  Status SetWeight(Node* node, std::string_view slot, int axis, std::vector<double> step) {
    const Value* stored = node->In(slot);
    if (stored == nullptr || !stored->constant) {
      return Corruption(node->type + " " + node->name + ": " + std::string(slot) +
                        " is no parameter");
    }
    const std::vector<int64_t>& dims = ConstantDims(*stored);
    const bool fits =
        step.size() == 1 || (static_cast<int>(dims.size()) > axis &&
                             dims[static_cast<size_t>(axis)] == static_cast<int64_t>(step.size()));
    if (!fits) {
      return Corruption(node->type + " " + node->name + ": " + std::to_string(step.size()) +
                        " weight scales do not fit " + stored->name);
    }
    Grid grid;
    grid.axis = step.size() > 1 ? axis : -1;
    grid.step = std::move(step);
    for (double s : grid.step) {
      if (!std::isfinite(s)) return Corruption(node->name + ": a weight scale is zero");
    }
    SKIFF_ASSIGN_OR_RETURN(Value * weight, QuantizeConstant(graph_, *stored, grid));
    graph_.SetInput({node, node->SlotIndex(slot), 0}, weight);
    return OkStatus();
  }

  Graph& graph_;
  std::map<const Value*, Grid> grids_;    // tensors that are integers in the file
  std::map<const Value*, Grid> written_;  // those that an operator, not a quantize, wrote
};

}  // namespace

Status ReadOneDnnInt8(Graph& graph) {
  bool found = false;
  for (const Node& node : graph.nodes()) {
    found = found || IsOneOf(node.type, {"quantize", "requantize", "dequantize"}) || IsInt8Op(node);
  }
  return found ? Reader(graph).Run() : OkStatus();
}

}  // namespace skiff::passes
