#include "quant/convert/convert_program.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "program/attributes.h"
#include "quant/convert/convert_weights.h"
#include "quant/convert/leftovers.h"
#include "quant/convert/op_selection.h"
#include "quant/convert/quantizer_ops.h"
#include "quant/convert/stored_weights.h"
#include "quant/edit.h"
#include "quant/operators.h"

namespace skiff::quant {
namespace {

using program::AttributeReader;
using program::AttrType;
using program::OpDesc;

constexpr float kMaxCode = 127;

std::string In(const OpDesc& op, std::string_view slot) {
  return std::string(OnlyName(op.inputs, slot));
}
std::string Out(const OpDesc& op, std::string_view slot) {
  return std::string(OnlyName(op.outputs, slot));
}

void EraseAttribute(OpDesc* op, std::string_view name) {
  std::erase_if(op->attributes, [&](const program::Attribute& a) { return a.name == name; });
}

// A tensor that was rounded: what it was, and the float variable that holds it rounded.
struct Rounded {
  std::string real;
  int version = 0;  // how often `real` had been written by then
  std::string scale;
  std::string as_float;
};

class Converter {
 public:
  Converter(program::Program* program, OpSelection* selection,
            std::vector<ConvertedOperator>* operators)
      : program_(program),
        selection_(selection),
        operators_(operators),
        editor_(program),
        stored_(program->params),
        in_operators_(NamesInOperators(*program)),
        names_(AllNames(*program)),
        weights_(stored_, &editor_, &names_) {}

  Status Run() {
    const std::vector<OpDesc> ops = program_->blocks[0].ops;
    FindOutputDequantizers(ops);
    for (size_t i = 0; i < ops.size(); ++i) {
      id_ = static_cast<int64_t>(i);
      SKIFF_RETURN_IF_ERROR(
          Visit(ops[i]).WithContext("operator " + std::to_string(i) + " (" + ops[i].type + ")"));
      NoteWrites(ops[i]);
    }
    editor_.Finish();
    DropUnreadQuantizers(program_);
    DropOrphans(in_operators_, names_, program_);
    return selection_->CheckAllFound();
  }

 private:
  // R1: the operator that writes what a dequantiser reads.
  void FindOutputDequantizers(const std::vector<OpDesc>& ops) {
    std::map<std::string, size_t> writer;
    for (size_t i = 0; i < ops.size(); ++i) {
      const auto it = writer.find(In(ops[i], "X"));
      if (IsOutputDequantize(ops[i]) && it != writer.end()) {
        dequantizer_[static_cast<int64_t>(it->second)] = {static_cast<int64_t>(i), &ops[i]};
      }
      for (const program::Argument& argument : ops[i].outputs) {
        for (const std::string& name : argument.names) writer[name] = i;
      }
    }
  }

  void NoteWrites(const OpDesc& op) {
    for (const program::Argument& argument : op.outputs) {
      for (const std::string& name : argument.names) ++writes_[name];
    }
  }

  Status Visit(const OpDesc& op) {
    const bool constant = stored_.contains(In(op, "X"));
    if (IsQuantize(op) && !constant) return VisitQuantize(op);
    if (IsQuantizeDequantize(op) && !constant) return VisitQuantizeDequantize(op);
    if (constant && (IsQuantizeDequantize(op) || IsAbsMaxQuantizeDequantize(op))) {
      return VisitFloatWeight(op);
    }
    if (IsOutputDequantize(op) && merged_.contains(id_)) return OkStatus();
    if (IsLinear(op)) return VisitLinear(op);
    return VisitCompute(op);
  }

  // -- activations

  Status VisitQuantize(const OpDesc& op) {
    const std::string codes = Out(op, "Out");
    if (Repeats(op, codes)) return OkStatus();
    auto& as_float = dequantized_[codes];
    if (as_float.empty()) as_float = names_.Make(codes + ".dequantized");
    return Round(op, codes, codes, as_float);
  }

  Status VisitQuantizeDequantize(const OpDesc& op) {
    const std::string out = Out(op, "Out");
    if (Repeats(op, out)) return OkStatus();
    auto& codes = dequantized_[out];
    if (codes.empty()) codes = names_.Make(out + ".quantized");
    return Round(op, out, codes, out);
  }

  // The same quantiser of the same tensor once more, writing the same variable.
  [[nodiscard]] bool Repeats(const OpDesc& op, const std::string& out) const {
    const auto it = rounded_.find(out);
    return it != rounded_.end() && it->second.real == In(op, "X") &&
           it->second.version == Version(In(op, "X")) && it->second.scale == In(op, "InScale");
  }

  // `key`: what readers read in the model as it was.
  Status Round(const OpDesc& op, const std::string& key, const std::string& codes,
               const std::string& as_float) {
    SKIFF_RETURN_IF_ERROR(CheckBits(op));
    const std::string scale = In(op, "InScale");
    SKIFF_ASSIGN_OR_RETURN(const std::vector<float> thresholds, quant::Thresholds(stored_, scale));
    if (thresholds.size() != 1) return Unsupported("an activation with several scales");
    AddPair(In(op, "X"), key, codes, as_float, scale, FakeRoundType(op));
    return OkStatus();
  }

  void AddPair(const std::string& real, const std::string& key, const std::string& codes,
               const std::string& as_float, const std::string& scale, int32_t round_type) {
    rounded_[key] = {real, Version(real), scale, as_float};
    editor_.AddVarLike(codes, real);
    editor_.AddVarLike(as_float, real);
    const std::string zero = AddZeroPoint(&editor_, &names_, codes, 1);
    editor_.ops.push_back(MakeLinearOp(
        "quantize_linear",
        {.x = real, .scale = scale, .zero_point = zero, .y = codes, .round_type = round_type}));
    editor_.ops.push_back(MakeLinearOp(
        "dequantize_linear",
        {.x = codes, .scale = scale, .zero_point = zero, .y = as_float, .round_type = round_type}));
  }

  // R3 and R4 are in their final form but for weights that are stored as float.
  Status VisitLinear(const OpDesc& op) {
    const std::string x = In(op, "X");
    AttributeReader attributes(op.attributes);
    const bool observer = attributes.Bool("only_observer", false);
    editor_.ops.push_back(op);
    if (observer) return OkStatus();
    SKIFF_RETURN_IF_ERROR(CheckBits(op));
    if (op.type == "quantize_linear") {
      linear_codes_[Out(op, "Y")] = {x, Version(x), In(op, "Scale"), ""};
      return OkStatus();
    }
    if (!stored_.contains(x)) {
      const auto codes = linear_codes_.find(x);
      if (codes == linear_codes_.end()) return OkStatus();
      Rounded& rounded = rounded_[Out(op, "Y")];
      rounded = codes->second;
      rounded.as_float = Out(op, "Y");
      return OkStatus();
    }
    SKIFF_ASSIGN_OR_RETURN(std::vector<float> thresholds, Thresholds(stored_, In(op, "Scale")));
    const auto axis = static_cast<int>(attributes.Int("quant_axis", -1));
    SKIFF_ASSIGN_OR_RETURN(QuantizedWeight codes,
                           StoredCodes(x, stored_.at(x), std::move(thresholds), axis));
    weights_.AddLinear(x, Out(op, "Y"), std::move(codes));
    return OkStatus();
  }

  // -- weights

  // R2: a float weight behind its fake operator.
  Status VisitFloatWeight(const OpDesc& op) {
    SKIFF_RETURN_IF_ERROR(CheckBits(op));
    const std::string name = In(op, "X");
    AttributeReader attributes(op.attributes);
    const bool per_channel = op.type == "fake_channel_wise_quantize_dequantize_abs_max";
    const int axis = per_channel ? static_cast<int>(attributes.Int("quant_axis", 0)) : -1;
    std::vector<float> thresholds;
    if (IsQuantizeDequantize(op)) {
      SKIFF_ASSIGN_OR_RETURN(thresholds, Thresholds(stored_, In(op, "InScale")));
    }
    SKIFF_ASSIGN_OR_RETURN(
        QuantizedWeight codes,
        FakeQuantizedCodes(name, stored_.at(name), std::move(thresholds), axis,
                           FakeRoundType(op) == 1 ? RoundMode::kHalfAway : RoundMode::kHalfEven));
    weights_.AddFake(name, Out(op, "Out"), std::move(codes));
    return OkStatus();
  }

  // -- operators

  Status VisitCompute(OpDesc op) {
    SKIFF_RETURN_IF_ERROR(ReadOutputDequantizer(&op));
    SKIFF_RETURN_IF_ERROR(ReadRanges(&op));
    SKIFF_RETURN_IF_ERROR(ReadWeightOnly(&op));
    bool rounds = false;
    bool has_weight = false;
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) {
        rounds |= rounded_.contains(name);
        has_weight |= weights_.Has(name);
      }
    }
    if ((rounds || has_weight) && op.type != "fetch") {
      ConvertedOperator& row = operators_->emplace_back();
      row.id = id_;
      row.op = op.type;
      row.name = op.outputs.empty() || op.outputs[0].names.empty() ? "" : op.outputs[0].names[0];
      row.why_float = selection_->WhyFloat(op, id_, has_weight);
      if (row.why_float.empty()) {
        KeepQuantized(&op, rounds, has_weight);
        if (!rounds) row.why_float = "only its weight is quantised";
      } else {
        SKIFF_RETURN_IF_ERROR(MakeFloat(&op));
      }
    }
    editor_.ops.push_back(std::move(op));
    return OkStatus();
  }

  // What R1 reads as integers is read through the dequantize_linear that now follows.
  void KeepQuantized(OpDesc* op, bool rounds, bool has_weight) {
    for (program::Argument& argument : op->inputs) {
      for (std::string& name : argument.names) {
        const auto it = rounded_.find(name);
        if (it != rounded_.end()) name = it->second.as_float;
      }
    }
    if (!rounds) return;
    SetAttribute(op, "quantization_type", AttrType::kString,
                 std::string(has_weight ? "qat_with_weight" : "qat_without_weight"));
    if (has_weight) SetAttribute(op, kDeployedInt8, AttrType::kBoolean, true);
  }

  Status MakeFloat(OpDesc* op) {
    for (program::Argument& argument : op->inputs) {
      for (std::string& name : argument.names) {
        if (weights_.Has(name)) name = weights_.FloatCopy(name);
        const auto it = rounded_.find(name);
        if (it == rounded_.end()) continue;
        if (Version(it->second.real) != it->second.version) {
          return Unsupported("it cannot become float: " + it->second.real +
                             " is overwritten before it runs");
        }
        name = it->second.real;
      }
    }
    EraseAttribute(op, "quantization_type");
    return OkStatus();
  }

  // R1: the operator takes over the variable that its dequantiser wrote; its weight's scales stand
  // in the dequantiser. Where the activation's scale is found anew at each run, all stays as it is.
  Status ReadOutputDequantizer(OpDesc* op) {
    const auto it = dequantizer_.find(id_);
    if (it == dequantizer_.end()) return OkStatus();
    const auto& [dequantizer_id, dequantizer] = it->second;
    std::string weight;
    bool rounds = false;
    for (const program::Argument& argument : op->inputs) {
      for (const std::string& name : argument.names) {
        rounds |= rounded_.contains(name);
        const bool is_weight =
            argument.slot == "Filter" || argument.slot == "Y" || argument.slot == "W";
        if (is_weight && stored_.contains(name)) weight = name;
      }
    }
    if (!rounds || weight.empty()) return OkStatus();
    SKIFF_ASSIGN_OR_RETURN(std::vector<float> thresholds, WeightThresholds(stored_, *dequantizer));
    AttributeReader attributes(dequantizer->attributes);
    const int axis = attributes.Int("quant_axis", 0) == 1 ? 1 : 0;
    SKIFF_ASSIGN_OR_RETURN(QuantizedWeight codes,
                           StoredCodes(weight, stored_.at(weight), std::move(thresholds), axis));
    SKIFF_ASSIGN_OR_RETURN(const std::string as_float,
                           weights_.Add(weight, std::move(codes), false));
    RenameInput(op, weight, as_float);
    for (program::Argument& argument : op->outputs) {
      std::replace(argument.names.begin(), argument.names.end(), In(*dequantizer, "X"),
                   Out(*dequantizer, "Out"));
    }
    merged_.insert(dequantizer_id);
    return OkStatus();
  }

  // R6: ranges "<variable>.min" and "<variable>.max" of what an operator reads.
  Status ReadRanges(OpDesc* op) {
    const WeightSlots* slots = FindWeightSlots(op->type);
    if (slots == nullptr || op->type == "conv2d_transpose") return OkStatus();
    const std::string x = In(*op, slots->activation);
    const std::string weight = In(*op, slots->weight);
    if (rounded_.contains(x) || !HasRange(*op, x) || !stored_.contains(weight)) return OkStatus();
    const float threshold = TakeRange(op, x);
    if (!(threshold > 0) || !std::isfinite(threshold)) return OkStatus();
    SKIFF_ASSIGN_OR_RETURN(QuantizedWeight codes,
                           LargestCodes(weight, stored_.at(weight), WeightAxis(*op)));
    SKIFF_ASSIGN_OR_RETURN(const std::string as_float,
                           weights_.Add(weight, std::move(codes), true));
    RenameInput(op, weight, as_float);
    RenameInput(op, x, RangeRounded(x, threshold));
    return OkStatus();
  }

  // The variable that holds `x` rounded; made when first asked for.
  std::string RangeRounded(const std::string& x, float threshold) {
    for (const auto& [name, rounded] : rounded_) {
      if (rounded.real == x && rounded.version == Version(x)) return name;
    }
    const std::string scale = names_.Make(x + "@scale");
    const std::string codes = names_.Make(x + ".quantized");
    const std::string as_float = names_.Make(codes + ".dequantized");
    editor_.SetParam(scale, DType::kFloat32, {1}, std::vector<float>{threshold});
    AddPair(x, as_float, codes, as_float, scale, 0);
    return as_float;
  }

  // R5: integers with a step in an attribute. Those of 16 bits become float: dequantize_linear has
  // no form for them.
  Status ReadWeightOnly(OpDesc* op) {
    const WeightSlots* slots = FindWeightSlots(op->type);
    AttributeReader attributes(op->attributes);
    if (slots == nullptr || !attributes.Has("quantize_weight_bits")) return OkStatus();
    const std::string name = In(*op, slots->weight);
    const auto stored = stored_.find(name);
    if (stored == stored_.end() || stored->second.dtype == DType::kFloat32) return OkStatus();
    const std::string scale_name = name + "_quant_scale";
    std::vector<float> steps = attributes.Floats(scale_name, {});
    SKIFF_ASSIGN_OR_RETURN(std::vector<float> values,
                           FromSteps(name, stored->second, steps, WeightAxis(*op)));
    for (const std::string& attribute :
         {std::string("quantize_weight_bits"), std::string("quantization_type"), scale_name}) {
      EraseAttribute(op, attribute);
    }
    if (stored->second.dtype == DType::kInt16) {
      editor_.SetParam(name, DType::kFloat32, stored->second.dims, values);
      return OkStatus();
    }
    for (float& step : steps) step *= kMaxCode;
    SKIFF_ASSIGN_OR_RETURN(QuantizedWeight codes,
                           StoredCodes(name, stored->second, std::move(steps), WeightAxis(*op)));
    SKIFF_ASSIGN_OR_RETURN(const std::string as_float, weights_.Add(name, std::move(codes), false));
    RenameInput(op, name, as_float);
    return OkStatus();
  }

  // -- names

  [[nodiscard]] int Version(const std::string& name) const {
    const auto it = writes_.find(name);
    return it == writes_.end() ? 0 : it->second;
  }

  program::Program* program_;
  OpSelection* selection_;
  std::vector<ConvertedOperator>* operators_;
  Editor editor_;
  const Params stored_;                       // the parameters as they were
  const std::set<std::string> in_operators_;  // what operators named
  NewNames names_;
  ConvertedWeights weights_;
  int64_t id_ = 0;
  std::map<std::string, int> writes_;
  std::map<std::string, Rounded> rounded_;
  std::map<std::string, Rounded> linear_codes_;
  std::map<std::string, std::string> dequantized_;  // the other variable of a pair
  std::map<int64_t, std::pair<int64_t, const OpDesc*>> dequantizer_;  // by the operator in front
  std::set<int64_t> merged_;                                          // dequantisers that are gone
};

}  // namespace

Status ConvertProgram(program::Program* program, const ConvertOptions& options,
                      std::vector<ConvertedOperator>* operators) {
  if (program->blocks.empty()) return Corruption("the program has no block");
  SKIFF_RETURN_IF_ERROR(CheckOtherBlocks(*program));
  SKIFF_ASSIGN_OR_RETURN(OpSelection selection, OpSelection::Make(options));
  return Converter(program, &selection, operators).Run();
}

}  // namespace skiff::quant
