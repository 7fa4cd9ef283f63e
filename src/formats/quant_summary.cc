#include "formats/quant_summary.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "program/attributes.h"

namespace skiff::formats {
namespace {

using program::AttributeReader;
using program::OpDesc;
using program::Program;
using program::Tensor;

enum class Role {
  kCompute,
  kQuantize,            // R1: a float value in, integers out
  kDequantize,          // R1: what the operator made of integers, back to float
  kQuantizeDequantize,  // R2
  kQuantizeLinear,      // R3, R4
  kDequantizeLinear,
  kOneDnn,  // R7: the border between float and INT8
  kObserver,
  kFeedFetch,
};

Role RoleOf(std::string_view type) {
  static const std::map<std::string_view, Role> kRoles = {
      {"fake_quantize_abs_max", Role::kQuantize},
      {"fake_quantize_range_abs_max", Role::kQuantize},
      {"fake_quantize_moving_average_abs_max", Role::kQuantize},
      {"fake_channel_wise_quantize_abs_max", Role::kQuantize},
      {"fake_dequantize_max_abs", Role::kDequantize},
      {"fake_channel_wise_dequantize_max_abs", Role::kDequantize},
      {"fake_quantize_dequantize_abs_max", Role::kQuantizeDequantize},
      {"fake_quantize_dequantize_moving_average_abs_max", Role::kQuantizeDequantize},
      {"fake_channel_wise_quantize_dequantize_abs_max", Role::kQuantizeDequantize},
      {"quantize_linear", Role::kQuantizeLinear},
      {"dequantize_linear", Role::kDequantizeLinear},
      {"quantize", Role::kOneDnn},
      {"dequantize", Role::kOneDnn},
      {"requantize", Role::kOneDnn},
      {"moving_average_abs_max_scale", Role::kObserver},
      {"feed", Role::kFeedFetch},
      {"fetch", Role::kFeedFetch}};
  const auto it = kRoles.find(type);
  return it == kRoles.end() ? Role::kCompute : it->second;
}

bool IsUsable(double threshold) { return std::isfinite(threshold) && threshold > 0; }

const std::string* FirstName(const std::vector<program::Argument>& arguments,
                             std::string_view slot) {
  const program::Argument* argument = program::FindArgument(arguments, slot);
  return argument && !argument->names.empty() ? &argument->names.front() : nullptr;
}

class Collector {
 public:
  explicit Collector(const Program& program) : program_(program) {
    for (std::string& name : program::ParameterNames(program)) weights_.insert(std::move(name));
  }

  QuantSummary Run() {
    for (const auto& block : program_.blocks) {
      for (const OpDesc& op : block.ops) Visit(op);
    }
    summary_.representation = Decide();
    summary_.activation_thresholds = static_cast<int>(thresholds_.size());
    return summary_;
  }

 private:
  void Visit(const OpDesc& op) {
    const Role role = RoleOf(op.type);
    roles_.insert(role);
    switch (role) {
      case Role::kQuantize:
        VisitQuantizer(op, "Out", "InScale");
        if (const std::string* out = FirstName(op.outputs, "Out")) integers_.insert(*out);
        break;
      case Role::kQuantizeDequantize: VisitQuantizer(op, "Out", "InScale"); break;
      case Role::kQuantizeLinear: VisitQuantizer(op, "Y", "Scale"); break;
      case Role::kDequantizeLinear: VisitDequantizeLinear(op); break;
      case Role::kDequantize: VisitDequantize(op); break;
      case Role::kOneDnn: VisitOneDnn(op); break;
      case Role::kCompute: VisitCompute(op); break;
      case Role::kObserver:
      case Role::kFeedFetch: break;
    }
  }

  // Notes what `op` rounds: a weight, or an activation with the threshold in its scale slot.
  void VisitQuantizer(const OpDesc& op, std::string_view out_slot, std::string_view scale_slot) {
    const std::string* x = FirstName(op.inputs, "X");
    const std::string* out = FirstName(op.outputs, out_slot);
    if (!x || !out) return;
    AttributeReader attributes(op.attributes);
    const bool only_observer = attributes.Bool("only_observer", false);
    if (weights_.contains(*x)) {
      ++summary_.weight_bits[static_cast<int>(attributes.Int("bit_length", 8))];
      rounded_weights_.insert(*out);
      return;
    }
    if (!only_observer) rounded_.insert(*out);
    if (const std::string* scale = FirstName(op.inputs, scale_slot)) NoteThreshold(*x, *scale);
  }

  void VisitDequantizeLinear(const OpDesc& op) {
    const std::string* x = FirstName(op.inputs, "X");
    const std::string* y = FirstName(op.outputs, "Y");
    if (!x || !y) return;
    if (rounded_.contains(*x)) rounded_.insert(*y);
    if (!weights_.contains(*x)) return;
    AttributeReader attributes(op.attributes);
    ++summary_.weight_bits[static_cast<int>(attributes.Int("bit_length", 8))];
    rounded_weights_.insert(*y);
    int8_weights_ |= HasType(*x, DType::kInt8);
    const std::string* scale = FirstName(op.inputs, "Scale");
    named_quant_dequant_ |= scale && scale->starts_with("quant_dequant.");
  }

  void VisitDequantize(const OpDesc& op) {
    const std::string* x = FirstName(op.inputs, "X");
    const auto weight = x ? weight_behind_.find(*x) : weight_behind_.end();
    if (weight == weight_behind_.end()) return;
    AttributeReader attributes(op.attributes);
    const std::vector<int64_t> bits = attributes.Ints("quant_bits", {});
    ++summary_.weight_bits[bits.empty() ? BitsOf(weight->second) : static_cast<int>(bits[0])];
    int8_weights_ |= HasType(weight->second, DType::kInt8) || weight->second.ends_with(".int8");
  }

  void VisitOneDnn(const OpDesc& op) {
    AttributeReader attributes(op.attributes);
    const std::string* input = FirstName(op.inputs, "Input");
    if (op.type == "quantize" && input && IsUsable(attributes.Float("Scale", 0))) {
      thresholds_.insert(*input);
    }
  }

  void VisitCompute(const OpDesc& op) {
    AttributeReader attributes(op.attributes);
    if (IsUsable(attributes.Float("out_threshold", 0))) ++summary_.output_thresholds;
    const std::string kind = attributes.String("quantization_type", "");
    std::string weight;
    bool reads_rounded = false;
    bool reads_integers = false;
    bool reads_rounded_weight = false;
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) {
        if (weights_.contains(name)) weight = name;
        reads_rounded |= rounded_.contains(name);
        reads_integers |= integers_.contains(name);
        reads_rounded_weight |= rounded_weights_.contains(name);
      }
    }
    const bool is_onednn = attributes.String("mkldnn_data_type", "") == "int8";
    has_onednn_int8_ |= is_onednn;
    if (kind.starts_with("post_weight")) {
      has_weight_only_ = true;
      CountWeighted(attributes.Int("quantize_weight_bits", 8));
    } else if (kind == "post_min_max" && !reads_rounded) {
      has_ranges_ = true;
      NoteRanges(op);
      CountWeighted(attributes.Int("bit_length", 8));
    } else if (is_onednn) {
      weight.empty() ? void(++summary_.operators_without_weights) : CountWeighted(8);
    } else if (reads_rounded_weight) {
      ++summary_.operators_with_weights;
    } else if (reads_integers && !weight.empty()) {
      CountIntegerOperator(op, weight);
    } else if (reads_rounded) {
      ++summary_.operators_without_weights;
    }
  }

  // R1: the weight is no output of a quantiser; a fake_dequantize that follows tells its bits.
  void CountIntegerOperator(const OpDesc& op, const std::string& weight) {
    ++summary_.operators_with_weights;
    for (const program::Argument& argument : op.outputs) {
      for (const std::string& name : argument.names) weight_behind_[name] = weight;
    }
  }

  void CountWeighted(int64_t bits) {
    ++summary_.operators_with_weights;
    ++summary_.weight_bits[static_cast<int>(bits)];
  }

  // R6: attributes "<variable>.max" of the activations that the operator reads.
  void NoteRanges(const OpDesc& op) {
    AttributeReader attributes(op.attributes);
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) {
        if (!weights_.contains(name) && attributes.Has(name + ".max")) thresholds_.insert(name);
      }
    }
  }

  void NoteThreshold(const std::string& activation, const std::string& scale) {
    const auto it = program_.params.find(scale);
    if (it == program_.params.end() || it->second.dtype != DType::kFloat32) return;
    const std::span<const float> values = it->second.As<float>();
    if (!values.empty() && IsUsable(values[0])) thresholds_.insert(activation);
  }

  [[nodiscard]] bool HasType(const std::string& parameter, DType dtype) const {
    const auto it = program_.params.find(parameter);
    return it != program_.params.end() && it->second.dtype == dtype;
  }

  // fake_dequantize_max_abs does not say how many bits its weight has, but the weight's integers
  // do.
  [[nodiscard]] int BitsOf(const std::string& parameter) const {
    const auto it = program_.params.find(parameter);
    if (it == program_.params.end()) return 8;
    if (it->second.dtype != DType::kFloat32) return static_cast<int>(SizeOf(it->second.dtype)) * 8;
    const std::span<const float> values = it->second.As<float>();
    return std::ranges::all_of(values, [](float v) { return std::fabs(v) <= 128; }) ? 8 : 16;
  }

  [[nodiscard]] Representation Decide() const {
    if (has_onednn_int8_ || roles_.contains(Role::kOneDnn)) return Representation::kR7;
    if (roles_.contains(Role::kDequantize)) {
      return int8_weights_ ? Representation::kR1b : Representation::kR1;
    }
    if (roles_.contains(Role::kDequantizeLinear) || roles_.contains(Role::kQuantizeLinear)) {
      // A program without its parameters shows by the names that paddle.quantization gives.
      const bool is_r3 = program_.params.empty() ? !named_quant_dequant_ : int8_weights_;
      return is_r3 ? Representation::kR3 : Representation::kR4;
    }
    if (roles_.contains(Role::kQuantizeDequantize)) return Representation::kR2;
    if (has_weight_only_) return Representation::kR5;
    return has_ranges_ ? Representation::kR6 : Representation::kNone;
  }

  const Program& program_;
  QuantSummary summary_;
  std::set<Role> roles_;
  std::set<std::string, std::less<>> weights_;          // the parameters
  std::set<std::string, std::less<>> rounded_;          // what quantisers make of activations
  std::set<std::string, std::less<>> integers_;         // those of R1, not yet back to float
  std::set<std::string, std::less<>> rounded_weights_;  // and of weights
  std::map<std::string, std::string> weight_behind_;    // an R1 operator's output: its weight
  std::set<std::string, std::less<>> thresholds_;       // activations
  bool int8_weights_ = false;
  bool named_quant_dequant_ = false;
  bool has_onednn_int8_ = false;
  bool has_weight_only_ = false;
  bool has_ranges_ = false;
};

}  // namespace

std::string_view Name(Representation representation) {
  switch (representation) {
    case Representation::kNone: return "none";
    case Representation::kR1: return "R1";
    case Representation::kR1b: return "R1b";
    case Representation::kR2: return "R2";
    case Representation::kR3: return "R3";
    case Representation::kR4: return "R4";
    case Representation::kR5: return "R5";
    case Representation::kR6: return "R6";
    case Representation::kR7: return "R7";
  }
  return "none";
}

std::string_view Describe(Representation representation) {
  switch (representation) {
    case Representation::kNone: return "not quantised";
    case Representation::kR1:
      return "fake_quantize before and fake_dequantize after operators, integer weights in float32";
    case Representation::kR1b:
      return "fake_quantize before and fake_dequantize after operators, int8 weights";
    case Representation::kR2:
      return "fake_quantize_dequantize on activations and weights, float weights";
    case Representation::kR3: return "quantize_linear and dequantize_linear, int8 weights";
    case Representation::kR4:
      return "quantize_linear and dequantize_linear, integer weights in float32";
    case Representation::kR5: return "weights only, steps in attributes";
    case Representation::kR6: return "ranges in attributes, float weights";
    case Representation::kR7: return "oneDNN INT8 program, scales in attributes";
  }
  return "not quantised";
}

QuantSummary SummariseQuantisation(const Program& program) { return Collector(program).Run(); }

}  // namespace skiff::formats
