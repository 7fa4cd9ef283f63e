// read_quant_info: docs/formats.md, for representations R1, R1b, R2, R3 and R4.
//
// In a file the "scale" of a tensor is the real value of code 127. An activation's fake operator
// puts its grid on the edges of its readers; a weight's makes the weight an s8 constant.
#include <algorithm>
#include <cmath>
#include <optional>

#include "passes/passes.h"
#include "passes/pattern.h"
#include "program/own_attributes.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Grid;
using graph::Node;
using graph::Value;

constexpr int kMaxCode = 127;

// Paddle's defaults when the attribute is absent: round_type 1 for fake_*, 0 for quantize_linear.
RoundMode RoundTypeOf(const Node& node) {
  const bool linear = node.type == "quantize_linear" || node.type == "dequantize_linear";
  program::AttributeReader attributes = node.Attributes();
  return attributes.Int("round_type", linear ? 0 : 1) == 1 ? RoundMode::kHalfAway
                                                           : RoundMode::kHalfEven;
}

Status CheckBits(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  const int64_t bits = attributes.Int("bit_length", 8);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (bits == 8) return OkStatus();
  return Unsupported(node.type + " " + node.name + ": bit_length " + std::to_string(bits) +
                     ", only 8 is supported");
}

// The scale tensor's elements, whatever its shape.
Result<std::vector<double>> Thresholds(const Node& node, const Value* scale) {
  const std::span<const float> data = FloatData(scale);
  if (data.empty()) {
    return InvalidArgument(node.type + " " + node.name + ": the scale" +
                           (scale ? " " + scale->name : std::string()) +
                           " is not a float parameter of the model");
  }
  for (float s : data) {
    if (!std::isfinite(s) || s < 0) {
      return InvalidArgument(node.type + " " + node.name + ": scale " + scale->name + " holds " +
                             std::to_string(s));
    }
  }
  return std::vector<double>(data.begin(), data.end());
}

// Paddle divides by s, or by s + 1e-6 where s is all but zero (docs/formats.md); the step follows
// it.
double StepOf(double threshold) {
  return (threshold <= 1e-30 ? threshold + 1e-6 : threshold) / kMaxCode;
}

std::vector<double> StepsOf(const std::vector<double>& thresholds) {
  std::vector<double> steps;
  for (double s : thresholds) steps.push_back(StepOf(s));
  return steps;
}

class Reader {
 public:
  Reader(Graph& graph, QuantMode mode) : graph_(graph), mode_(mode) {}

  Status Run() {
    // Dequantise operators first: they know the weight scales of the nodes in front of them.
    SKIFF_RETURN_IF_ERROR(ForEach(&Reader::ReadOutputDequantize));
    SKIFF_RETURN_IF_ERROR(ForEach(&Reader::ReadLinearPair));
    SKIFF_RETURN_IF_ERROR(ForEach(&Reader::ReadWeight));
    SKIFF_RETURN_IF_ERROR(ForEach(&Reader::ReadActivation));
    RemoveDeadNodes(graph_);
    return OkStatus();
  }

 private:
  Status ForEach(Status (Reader::*visit)(Node*)) {
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node* node = &*it++;
      SKIFF_RETURN_IF_ERROR((this->*visit)(node));
    }
    return OkStatus();
  }

  // R1: op(quantised x, integer weight) -> fake_[channel_wise_]dequantize_max_abs. The node in
  // front takes over the dequantised tensor; its weight becomes s8 with the scale found here.
  Status ReadOutputDequantize(Node* node) {
    const bool per_channel = node->type == "fake_channel_wise_dequantize_max_abs";
    if (!per_channel && node->type != "fake_dequantize_max_abs") return OkStatus();
    const Value* x = node->In("X");
    Node* op = x->producer;
    if (op == nullptr) return OkStatus();  // a constant weight: ReadWeight
    const std::optional<graph::Use> weight = WeightOf(op);
    if (!weight || OnlyReader(graph_, x) != node) {
      return Unsupported(node->type + " " + node->name +
                         " follows an operator without a constant weight");
    }
    Grid grid;
    if (per_channel) {
      const Value* scales = node->In("Scales");
      SKIFF_ASSIGN_OR_RETURN(const std::vector<double> thresholds, Thresholds(*node, scales));
      grid.step = StepsOf(thresholds);
      grid.axis = node->Attributes().Int("quant_axis", 0) == 1 ? 1 : 0;
    } else {
      // max_range = 127 * 127 / s_w (docs/formats.md).
      const double max_range = node->Attributes().Float("max_range", 0);
      if (!(max_range > 0)) {
        return Corruption(node->type + " " + node->name + ": max_range is not positive");
      }
      grid.step = {kMaxCode / max_range};
    }
    const Value& stored = *op->inputs[static_cast<size_t>(weight->slot)].edges[0].value;
    SKIFF_ASSIGN_OR_RETURN(Value * codes, IntegerWeight(stored, std::move(grid)));
    graph_.SetInput(*weight, codes);
    TakeOutput(graph_, op, op->outputs[0].name, node->Out("Out"));
    graph_.Erase(node);
    return OkStatus();
  }

  // Where the node reads its constant weight.
  static std::optional<graph::Use> WeightOf(Node* op) {
    for (std::string_view slot : {"Filter", "Y", "W"}) {
      const Value* value = op->In(slot);
      if (value != nullptr && value->constant) return graph::Use{op, op->SlotIndex(slot), 0};
    }
    return std::nullopt;
  }

  // quantize_linear -> dequantize_linear on an activation; only_observer pairs are the identity.
  Status ReadLinearPair(Node* node) {
    if (node->type != "quantize_linear" && node->type != "dequantize_linear") return OkStatus();
    Value* x = node->In("X");
    if (node->Attributes().Bool("only_observer", false)) {
      graph_.ReplaceUses(node->Out("Y"), x);
      graph_.Erase(node);
      return OkStatus();
    }
    if (node->type == "dequantize_linear" || x->constant) return OkStatus();
    SKIFF_RETURN_IF_ERROR(CheckBits(*node));
    Value* codes = node->Out("Y");
    SKIFF_ASSIGN_OR_RETURN(const Grid grid, ActivationGrid(*node, "Scale"));
    for (const graph::Use& use : codes->uses) {
      Node* dequantize = use.node;  // erased with the dead nodes: it may be the next to be visited
      if (dequantize->type != "dequantize_linear") {
        return Unsupported("quantize_linear " + node->name + " is read by " + dequantize->type +
                           ", not by dequantize_linear");
      }
      RoundReaders(dequantize->Out("Y"), x, grid);
    }
    return OkStatus();
  }

  // Weights: dequantize_linear (R3, R4) and fake quantise-dequantise (R2) of a constant.
  Status ReadWeight(Node* node) {
    const Value* x = node->In("X");
    if (x == nullptr || !x->constant) return OkStatus();
    if (node->type == "dequantize_linear") return ReadLinearWeight(node);
    const bool per_channel = node->type == "fake_channel_wise_quantize_dequantize_abs_max";
    if (!per_channel && node->type != "fake_quantize_dequantize_abs_max") return OkStatus();
    SKIFF_RETURN_IF_ERROR(CheckBits(*node));
    Value* out = node->Out("Out");
    if (mode_ == QuantMode::kStrip) {
      graph_.ReplaceUses(out, node->In("X"));
    } else {
      const int axis = per_channel ? static_cast<int>(node->Attributes().Int("quant_axis", 0)) : -1;
      SKIFF_ASSIGN_OR_RETURN(Value * codes, QuantizeWeight(*node, *x, axis));
      graph_.ReplaceUses(out, codes);
    }
    graph_.Erase(node);
    return OkStatus();
  }

  Status ReadLinearWeight(Node* node) {
    SKIFF_RETURN_IF_ERROR(CheckBits(*node));
    Value* x = node->In("X");
    Grid grid;
    SKIFF_ASSIGN_OR_RETURN(const std::vector<double> thresholds,
                           Thresholds(*node, node->In("Scale")));
    grid.step = StepsOf(thresholds);
    const int64_t axis = node->Attributes().Int("quant_axis", -1);
    grid.axis = grid.step.size() > 1 ? static_cast<int>(axis == 1 ? 1 : 0) : -1;
    SKIFF_ASSIGN_OR_RETURN(Value * weight, IntegerWeight(*x, std::move(grid)));
    graph_.ReplaceUses(node->Out("Y"), weight);
    graph_.Erase(node);
    return OkStatus();
  }

  // fake_quantize_* in front of a weight operator (R1) and fake_quantize_dequantize_* (R2).
  Status ReadActivation(Node* node) {
    if (node->type == "moving_average_abs_max_scale") {
      if (Value* out = node->Out("Out")) graph_.ReplaceUses(out, node->In("X"));
      return OkStatus();
    }
    if (IsOneOf(node->type, {"fake_quantize_abs_max", "fake_quantize_dequantize_abs_max"})) {
      RoundReaders(node->Out("Out"), node->In("X"), std::nullopt);  // scaled anew at each run
      return OkStatus();
    }
    if (!IsOneOf(node->type, {"fake_quantize_range_abs_max", "fake_quantize_moving_average_abs_max",
                              "fake_quantize_dequantize_moving_average_abs_max"})) {
      return OkStatus();
    }
    SKIFF_RETURN_IF_ERROR(CheckBits(*node));
    SKIFF_ASSIGN_OR_RETURN(const Grid grid, ActivationGrid(*node, "InScale"));
    RoundReaders(node->Out("Out"), node->In("X"), grid);
    graph_.Erase(node);
    return OkStatus();
  }

  Result<Grid> ActivationGrid(const Node& node, std::string_view slot) {
    SKIFF_ASSIGN_OR_RETURN(const std::vector<double> thresholds, Thresholds(node, node.In(slot)));
    if (thresholds.size() != 1) {
      return Unsupported(node.type + " " + node.name + ": an activation with " +
                         std::to_string(thresholds.size()) + " scales");
    }
    Grid grid;
    grid.step = {StepOf(thresholds[0])};
    grid.round = RoundTypeOf(node);
    if (node.Attributes().Bool(program::kFullRange, false)) {
      grid.is_unsigned = true;
      grid.max_code = 255;
      grid.step[0] *= kMaxCode / 255.0;
    }
    return grid;
  }

  // Readers of `rounded` read `x`, rounded on `grid` at their edge.
  void RoundReaders(Value* rounded, Value* x, const std::optional<Grid>& grid) {
    while (!rounded->uses.empty()) {
      const graph::Use use = rounded->uses.back();
      graph_.SetInput(use, x);
      if (mode_ == QuantMode::kAnnotate) {
        use.node->inputs[static_cast<size_t>(use.slot)].edges[static_cast<size_t>(use.index)].grid =
            grid;
      }
    }
    std::replace(graph_.outputs.begin(), graph_.outputs.end(), rounded, x);
  }

  // A stored weight that already holds integers, as int8 or as float32.
  Result<Value*> IntegerWeight(const Value& stored, Grid grid) {
    SKIFF_RETURN_IF_ERROR(CheckChannels(stored, grid));
    const program::Tensor& tensor = *stored.constant;
    auto codes = std::make_shared<std::vector<int8_t>>();
    if (tensor.dtype == DType::kInt8) {
      codes->assign(tensor.As<int8_t>().begin(), tensor.As<int8_t>().end());
    } else if (tensor.dtype == DType::kFloat32) {
      for (float w : tensor.As<float>()) {
        if (!(w >= -128 && w <= 127) || w != std::nearbyintf(w)) {
          return Corruption("weight " + stored.name + " should hold integers in [-128, 127], has " +
                            std::to_string(w));
        }
        codes->push_back(static_cast<int8_t>(w));
      }
    } else {
      return Unsupported("weight " + stored.name + " is " + std::string(Name(tensor.dtype)) +
                         ", int8 or float32 expected");
    }
    return AddCodes(graph_, stored, codes, std::move(grid));
  }

  // R2: a float weight, quantised as its fake operator does (docs/formats.md).
  Result<Value*> QuantizeWeight(const Node& node, const Value& stored, int axis) {
    const std::span<const float> w = FloatData(&stored);
    const std::vector<int64_t>& dims = ConstantDims(stored);
    if (w.empty() || (axis >= 0 && axis >= static_cast<int>(dims.size()))) {
      return Corruption(node.type + " " + node.name + ": weight " + stored.name +
                        " cannot be quantised along axis " + std::to_string(axis));
    }
    Grid grid;
    grid.axis = axis;
    grid.step.resize(axis < 0 ? 1 : static_cast<size_t>(dims[static_cast<size_t>(axis)]));
    const size_t stride = StepStride(dims, grid);
    std::vector<float> threshold(grid.step.size(), 0.0F);
    for (size_t i = 0; i < w.size(); ++i) {
      float& t = threshold[i / stride % threshold.size()];
      t = std::max(t, std::fabs(w[i]));
    }
    const RoundMode round = RoundTypeOf(node);
    auto codes = std::make_shared<std::vector<int8_t>>(w.size());
    for (size_t i = 0; i < w.size(); ++i) {
      const float s = threshold[i / stride % threshold.size()];
      const float inv = s <= 1e-30F ? 1.0F / (s + 1e-6F) : 1.0F / s;
      const float x = round == RoundMode::kHalfAway ? std::fmin(std::fmax(w[i], -s), s) : w[i];
      const float q = Round(kMaxCode * inv * x, round);
      (*codes)[i] = static_cast<int8_t>(std::fmin(std::fmax(q, -128.0F), 127.0F));
    }
    grid.step = StepsOf(std::vector<double>(threshold.begin(), threshold.end()));
    return AddCodes(graph_, stored, codes, std::move(grid));
  }

  // As many steps as channels along the grid's axis; the axis of the file is only a hint where the
  // other one fits (docs/formats.md).
  static Status CheckChannels(const Value& stored, Grid& grid) {
    const std::vector<int64_t>& dims = ConstantDims(stored);
    const auto n = static_cast<int64_t>(grid.step.size());
    if (n == 1) {
      grid.axis = -1;
      return OkStatus();
    }
    for (int axis : {grid.axis, 0, 1}) {
      if (axis >= 0 && axis < static_cast<int>(dims.size()) &&
          dims[static_cast<size_t>(axis)] == n) {
        grid.axis = axis;
        return OkStatus();
      }
    }
    return Corruption("weight " + stored.name + " has " + std::to_string(n) +
                      " scales, which fits none of its axes");
  }

  Graph& graph_;
  QuantMode mode_;
};

}  // namespace

Status ReadQuantInfo(Graph& graph, QuantMode mode) {
  SKIFF_RETURN_IF_ERROR(Reader(graph, mode).Run());
  return mode == QuantMode::kStrip ? DequantizeWeights(graph) : OkStatus();
}

}  // namespace skiff::passes
