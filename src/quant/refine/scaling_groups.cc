#include "quant/refine/scaling_groups.h"

#include <algorithm>
#include <map>
#include <set>

#include "quant/layers.h"
#include "quant/operators.h"

namespace skiff::quant {
namespace {

using program::OpDesc;
using program::Program;

// Operators whose output scales, channel by channel, with their only activation.
constexpr std::string_view kHomogeneous[] = {
    "relu",           "leaky_relu",        "pool2d",          "dropout",
    "nearest_interp", "nearest_interp_v2", "bilinear_interp", "bilinear_interp_v2"};

int32_t Groups(const OpDesc& op) {
  const program::Attribute* attribute = program::FindAttribute(op.attributes, "groups");
  const auto* value = attribute != nullptr ? std::get_if<int32_t>(&attribute->value) : nullptr;
  return value != nullptr ? std::max(*value, 1) : 1;
}

class Finder {
 public:
  explicit Finder(const Program& program) : program_(program), ops_(program.blocks[0].ops) {
    for (const OpDesc& op : ops_) {
      for (const program::Argument& argument : op.inputs) {
        for (const std::string& name : argument.names) ++readers_[name];
      }
    }
  }

  std::vector<ScalingGroup> Run() {
    if (program_.blocks.size() != 1) return {};
    for (const OpDesc& op : ops_) Visit(op);
    std::map<std::string, ScalingGroup> groups;
    for (const Use& use : uses_) {
      ScalingGroup& group = groups[Root(use.tensor)];
      if (group.channels == 0) group.channels = use.channels;
      if (group.channels != use.channels) spoilt_.insert(Root(use.tensor));
      if (use.dense) group.dense_weights.push_back(use.param.name);
      (use.param.divide ? written_ : read_).insert(Root(use.tensor));
      if (!use.param.divide) group.tensors.push_back(use.tensor);
      group.params.push_back(use.param);
    }
    for (const std::string& name : relu6_) {
      groups[Root(name)].has_relu6 = true;
      groups[Root(name)].tensors.push_back(name);
    }
    std::vector<ScalingGroup> result;
    std::set<std::string> spoilt;
    for (const std::string& name : spoilt_) spoilt.insert(Root(name));
    for (auto& [root, group] : groups) {
      if (!spoilt.contains(root) && written_.contains(root) && read_.contains(root)) {
        result.push_back(std::move(group));
      }
    }
    return result;
  }

 private:
  struct Use {
    std::string tensor;
    int64_t channels = 0;
    bool dense = false;
    ScaledParam param;
  };

  const std::string& Root(const std::string& name) {
    std::string& parent = parent_.try_emplace(name, name).first->second;
    if (parent != name) parent = Root(parent);
    return parent;
  }
  void Join(std::string_view a, std::string_view b) {
    const std::string from = Root(std::string(a));
    parent_[from] = Root(std::string(b));
  }
  void Spoil(const std::string& name) {
    Root(name);
    spoilt_.insert(name);
  }
  void SpoilAll(const std::vector<program::Argument>& arguments) {
    for (const program::Argument& argument : arguments) {
      for (const std::string& name : argument.names) {
        if (!program_.params.contains(name)) Spoil(name);
      }
    }
  }

  // Null unless nothing else reads it.
  [[nodiscard]] const program::Tensor* Own(const std::string& name) const {
    const auto param = program_.params.find(name);
    const auto readers = readers_.find(name);
    if (param == program_.params.end() || param->second.dtype != DType::kFloat32) return nullptr;
    return readers != readers_.end() && readers->second == 1 ? &param->second : nullptr;
  }

  void Visit(const OpDesc& op) {
    const std::string x(OnlyName(op.inputs, "X"));
    const std::string out(OnlyName(op.outputs, "Out"));
    const bool known = !x.empty() && !out.empty();
    if (op.type == "conv2d" || op.type == "depthwise_conv2d") return VisitConv(op);
    if (op.type == "batch_norm") return VisitBatchNorm(op);
    if (op.type == "elementwise_add" && known) return VisitAdd(op, x, out);
    const bool passes = std::find(std::begin(kHomogeneous), std::end(kHomogeneous), op.type) !=
                        std::end(kHomogeneous);
    if ((passes || op.type == "relu6") && known && !program_.params.contains(x)) {
      Join(x, out);
      if (op.type == "relu6") relu6_.push_back(out);
      return;
    }
    SpoilAll(op.inputs);
    SpoilAll(op.outputs);
  }

  // The input may be scaled when the weight's input channels can be, the output when its output
  // channels can be.
  void VisitConv(const OpDesc& op) {
    const std::string x(OnlyName(op.inputs, "Input"));
    const std::string name(OnlyName(op.inputs, "Filter"));
    const std::string y(OnlyName(op.outputs, "Output"));
    const program::Tensor* weight = Own(name);
    const std::string bias(OnlyName(op.inputs, "Bias"));
    const bool plain = weight != nullptr && weight->dims.size() == 4 && bias.empty() &&
                       OnlyName(op.inputs, "ResidualData").empty() && !Last(op);
    if (!plain || x.empty() || y.empty()) {
      SpoilAll(op.inputs);
      SpoilAll(op.outputs);
      return;
    }
    const int64_t outputs = weight->dims[0];
    const int64_t inputs = weight->dims[1];
    const int32_t groups = Groups(op);
    const int64_t kernel = weight->dims[2] * weight->dims[3];
    ScaledParam read{.name = name, .inner = kernel};
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t i = 0; i < inputs; ++i) {
        read.channel.push_back(static_cast<int32_t>(o / (outputs / groups) * inputs + i));
      }
    }
    Root(x);
    uses_.push_back({x, inputs * groups, inputs > 1, std::move(read)});
    AddDivided(y, name, outputs, inputs * kernel);
  }

  static bool Last(const OpDesc& op) {
    const program::Attribute* attribute = program::FindAttribute(op.attributes, "data_format");
    const auto* text = attribute ? std::get_if<std::string>(&attribute->value) : nullptr;
    return text != nullptr && *text == "NHWC";
  }

  void AddDivided(const std::string& tensor, const std::string& name, int64_t channels,
                  int64_t inner) {
    ScaledParam param{.name = name, .divide = true, .inner = inner};
    for (int64_t c = 0; c < channels; ++c) param.channel.push_back(static_cast<int32_t>(c));
    Root(tensor);
    uses_.push_back({tensor, channels, false, std::move(param)});
  }

  // The output is scaled through scale and shift; the input's own factors would have to reach mean
  // and variance, and gain nothing.
  void VisitBatchNorm(const OpDesc& op) {
    const std::string scale(OnlyName(op.inputs, "Scale"));
    const std::string shift(OnlyName(op.inputs, "Bias"));
    const std::string y(OnlyName(op.outputs, "Y"));
    const program::Tensor* values = Own(scale);
    Spoil(std::string(OnlyName(op.inputs, "X")));
    if (values == nullptr || Own(shift) == nullptr || Last(op)) {
      SpoilAll(op.outputs);
      return;
    }
    const auto channels = static_cast<int64_t>(values->As<float>().size());
    AddDivided(y, scale, channels, 1);
    AddDivided(y, shift, channels, 1);
  }

  void VisitAdd(const OpDesc& op, const std::string& x, const std::string& out) {
    const std::string y(OnlyName(op.inputs, "Y"));
    if (program_.params.contains(x) || y.empty()) {
      SpoilAll(op.inputs);
      SpoilAll(op.outputs);
      return;
    }
    if (!program_.params.contains(y)) {
      // Extents are not known here: when they differ, a channel count will.
      Join(x, out);
      Join(y, out);
      return;
    }
    const program::Tensor* bias = Own(y);
    const program::Attribute* axis = program::FindAttribute(op.attributes, "axis");
    const auto* at = axis != nullptr ? std::get_if<int32_t>(&axis->value) : nullptr;
    const auto count = bias != nullptr ? static_cast<int64_t>(bias->As<float>().size()) : 0;
    const bool by_channel = at != nullptr && *at == 1 && count > 1;
    const bool whole = bias != nullptr && bias->dims.size() == 4 && bias->dims[1] == count;
    if (!by_channel && !whole) {
      SpoilAll(op.inputs);
      SpoilAll(op.outputs);
      return;
    }
    Join(x, out);
    AddDivided(out, y, count, 1);
  }

  const Program& program_;
  const std::vector<OpDesc>& ops_;
  std::map<std::string, int> readers_;
  std::map<std::string, std::string> parent_;
  std::vector<Use> uses_;
  std::vector<std::string> relu6_;
  std::set<std::string> spoilt_, written_, read_;
};

}  // namespace

std::vector<ScalingGroup> FindScalingGroups(const Program& program) {
  return Finder(program).Run();
}

}  // namespace skiff::quant
