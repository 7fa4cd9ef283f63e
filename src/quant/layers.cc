#include "quant/layers.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "quant/options.h"

namespace skiff::quant {
namespace {

using program::OpDesc;

bool Contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool Skipped(const OpDesc& op, const QuantizeOptions& options) {
  const program::Attribute* scope = program::FindAttribute(op.attributes, "op_namescope");
  const auto* text = scope ? std::get_if<std::string>(&scope->value) : nullptr;
  if (text != nullptr && text->find("skip_quant") != std::string::npos) return true;
  for (const auto* arguments : {&op.inputs, &op.outputs}) {
    for (const program::Argument& argument : *arguments) {
      for (const std::string& name : argument.names) {
        if (Contains(options.skip_tensor_list, name)) return true;
      }
    }
  }
  return false;
}

class Planner {
 public:
  Planner(const program::Program& program, const QuantizeOptions& options)
      : program_(program), options_(options) {}

  std::vector<Layer> Run() {
    const std::vector<OpDesc>& ops = program_.blocks[0].ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      const WeightSlots* slots = FindWeightSlots(ops[i].type);
      if (slots == nullptr || !Contains(options_.quantizable_op_type, ops[i].type)) continue;
      Layer& layer = layers_.emplace_back();
      layer.op = i;
      layer.slots = slots;
      layer.activation = OnlyName(ops[i].inputs, slots->activation);
      layer.weight = OnlyName(ops[i].inputs, slots->weight);
      layer.output = OnlyName(ops[i].outputs, slots->output);
      layer.axis = options_.weight_per_channel ? WeightAxis(ops[i]) : -1;
      layer.why_float = WhyFloat(ops[i], layer);
    }
    KeepSharedWeights();
    return std::move(layers_);
  }

 private:
  std::string WhyFloat(const OpDesc& op, const Layer& layer) const {
    if (layer.activation.empty() || layer.weight.empty() || layer.output.empty()) {
      return "its slots do not name one variable each";
    }
    if (Skipped(op, options_)) return "skip_tensor_list or its op_namescope says so";
    const auto weight = program_.params.find(layer.weight);
    if (weight == program_.params.end()) return "it multiplies two activations";
    if (program_.params.contains(layer.activation)) return "its input is a parameter";
    if (weight->second.dtype != DType::kFloat32) {
      return "its weight is " + std::string(Name(weight->second.dtype)) + " already";
    }
    const bool transposed = layer.axis == 0 && layer.slots->activation == "X";
    if (transposed && !options_.onnx_format) {
      return "the old format cannot say where a transposed weight has its channels";
    }
    if (options_.algo == CalibrationAlgorithm::kMinMax && op.type == "conv2d_transpose") {
      return "the ranges of min_max are not read for conv2d_transpose";
    }
    return "";
  }

  // A weight becomes integers for all of its readers: each must be quantised, along one axis.
  void KeepSharedWeights() {
    std::map<std::string, int> readers;
    for (const OpDesc& op : program_.blocks[0].ops) {
      for (const program::Argument& argument : op.inputs) {
        for (const std::string& name : argument.names) ++readers[name];
      }
    }
    for (bool changed = true; changed;) {
      changed = false;
      std::map<std::string, std::set<int>> axes;
      std::map<std::string, int> quantized;
      for (const Layer& layer : layers_) {
        if (!layer.why_float.empty()) continue;
        axes[layer.weight].insert(layer.axis);
        ++quantized[layer.weight];
      }
      for (Layer& layer : layers_) {
        if (!layer.why_float.empty()) continue;
        if (quantized[layer.weight] == readers[layer.weight] && axes[layer.weight].size() == 1) {
          continue;
        }
        layer.why_float = "its weight is also read by an operator that stays float";
        changed = true;
      }
    }
  }

  const program::Program& program_;
  const QuantizeOptions& options_;
  std::vector<Layer> layers_;
};

}  // namespace

std::vector<Layer> PlanLayers(const program::Program& program, const QuantizeOptions& options) {
  return Planner(program, options).Run();
}

std::map<size_t, std::vector<std::string>> PlanOtherInputs(const program::Program& program,
                                                           const QuantizeOptions& options,
                                                           const std::vector<Layer>& layers) {
  std::map<size_t, std::vector<std::string>> inputs;
  if (!options.is_full_quantize) return inputs;
  std::set<size_t> with_weight;
  for (const Layer& layer : layers) {
    if (program.params.contains(layer.weight)) with_weight.insert(layer.op);
  }
  const std::vector<OpDesc>& ops = program.blocks[0].ops;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ObservedSlot(ops[i].type).empty() || with_weight.contains(i) || Skipped(ops[i], options)) {
      continue;
    }
    for (const char* slot : {"X", "Y"}) {
      const program::Argument* argument = program::FindArgument(ops[i].inputs, slot);
      if (argument == nullptr) continue;
      for (const std::string& name : argument->names) {
        if (!program.params.contains(name)) inputs[i].push_back(name);
      }
    }
  }
  return inputs;
}

std::map<size_t, const Layer*> QuantizedByOp(const std::vector<Layer>& layers) {
  std::map<size_t, const Layer*> by_op;
  for (const Layer& layer : layers) {
    if (layer.why_float.empty()) by_op[layer.op] = &layer;
  }
  return by_op;
}

std::set<std::string, std::less<>> NeverNegative(const program::Program& program) {
  static const std::set<std::string_view> kMakes = {"relu", "relu6", "sigmoid", "hard_sigmoid",
                                                    "softmax"};
  static const std::set<std::string_view> kKeeps = {"elementwise_add",
                                                    "elementwise_mul",
                                                    "pool2d",
                                                    "concat",
                                                    "reshape2",
                                                    "transpose2",
                                                    "flatten2",
                                                    "flatten_contiguous_range",
                                                    "squeeze2",
                                                    "unsqueeze2",
                                                    "nearest_interp_v2",
                                                    "dropout"};
  std::set<std::string, std::less<>> names;
  std::set<std::string> written;
  for (const OpDesc& op : program.blocks[0].ops) {
    bool all = kMakes.contains(op.type);
    if (kKeeps.contains(op.type)) {
      all = true;
      for (const char* slot : {"X", "Y"}) {
        const program::Argument* argument = program::FindArgument(op.inputs, slot);
        if (argument == nullptr) continue;
        for (const std::string& name : argument->names) all = all && names.contains(name);
      }
    }
    for (const program::Argument& argument : op.outputs) {
      for (const std::string& name : argument.names) {
        // Of a variable that is written twice nothing is said.
        if (!written.insert(name).second || !all) {
          names.erase(name);
        } else {
          names.insert(name);
        }
      }
    }
  }
  return names;
}

std::set<std::string, std::less<>> PlanFullRange(const program::Program& program,
                                                 const QuantizeOptions& options,
                                                 const std::vector<Layer>& layers) {
  std::set<std::string, std::less<>> names;
  if (options.full_range == FullRange::kNone || !CanSayFullRange(options)) return names;
  names = NeverNegative(program);
  if (options.full_range == FullRange::kAll) return names;
  std::set<std::string, std::less<>> read;
  for (const Layer& layer : layers) {
    if (!layer.why_float.empty()) continue;
    read.insert(layer.activation);
    if (program.blocks[0].ops[layer.op].type != "depthwise_conv2d") names.erase(layer.activation);
  }
  std::erase_if(names, [&](const std::string& name) { return !read.contains(name); });
  return names;
}

std::set<std::string> FetchedNames(const program::Program& program) {
  std::set<std::string> names;
  for (const OpDesc& op : program.blocks[0].ops) {
    if (op.type != "fetch") continue;
    for (const program::Argument& argument : op.inputs) {
      names.insert(argument.names.begin(), argument.names.end());
    }
  }
  return names;
}

}  // namespace skiff::quant
