#include "quant/refine/fold_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "quant/edit.h"
#include "quant/layers.h"

namespace skiff::quant {
namespace {

using program::OpDesc;
using program::Program;

class Folder {
 public:
  explicit Folder(Program* program) : program_(*program), editor_(program) {
    const std::vector<OpDesc>& ops = program_.blocks[0].ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      for (const program::Argument& argument : ops[i].inputs) {
        for (const std::string& name : argument.names) ++readers_[name];
      }
      for (const program::Argument& argument : ops[i].outputs) {
        for (const std::string& name : argument.names) writer_[name] = i;
      }
    }
    fetched_ = FetchedNames(program_);
  }

  int Run() {
    std::vector<OpDesc> ops = program_.blocks[0].ops;
    int folded = 0;
    for (OpDesc& op : ops) folded += op.type == "batch_norm" && Fold(&op);
    for (size_t i = 0; i < ops.size(); ++i) {
      if (!gone_.contains(i)) editor_.ops.push_back(std::move(ops[i]));
    }
    editor_.Finish();
    for (const std::string& name : unused_) Forget(name);
    return folded;
  }

 private:
  // What a batch norm does to channel c: x * scale[c] + shift[c].
  struct Affine {
    std::vector<double> scale;
    std::vector<double> shift;
  };

  std::span<const float> Values(const OpDesc& op, const char* slot) const {
    const auto param = program_.params.find(std::string(OnlyName(op.inputs, slot)));
    if (param == program_.params.end() || param->second.dtype != DType::kFloat32) return {};
    return param->second.As<float>();
  }

  bool ReadAffine(const OpDesc& op, Affine* affine) const {
    const auto scale = Values(op, "Scale");
    const auto shift = Values(op, "Bias");
    const auto mean = Values(op, "Mean");
    const auto variance = Values(op, "Variance");
    const program::Attribute* attribute = program::FindAttribute(op.attributes, "epsilon");
    const auto* epsilon = attribute ? std::get_if<float>(&attribute->value) : nullptr;
    const size_t n = scale.size();
    if (n == 0 || shift.size() != n || mean.size() != n || variance.size() != n) return false;
    for (size_t c = 0; c < n; ++c) {
      const double a = scale[c] / std::sqrt(variance[c] + (epsilon ? *epsilon : 1e-5F));
      affine->scale.push_back(a);
      affine->shift.push_back(shift[c] - mean[c] * a);
    }
    return true;
  }

  // The operator that alone writes `name`, where nothing but one operator reads that.
  [[nodiscard]] const OpDesc* OnlyWriter(const std::string& name) const {
    const auto writer = writer_.find(name);
    const auto readers = readers_.find(name);
    const bool once = readers != readers_.end() && readers->second == 1;
    if (writer == writer_.end() || !once || fetched_.contains(name)) return nullptr;
    return &program_.blocks[0].ops[writer->second];
  }

  bool Fold(OpDesc* norm) {
    Affine affine;
    if (!ReadAffine(*norm, &affine)) return false;
    const std::string x(OnlyName(norm->inputs, "X"));
    const OpDesc* conv = OnlyWriter(x);
    std::string sum = x;  // the convolution's own output
    std::string added;    // the bias behind it
    if (conv != nullptr && conv->type == "elementwise_add") {
      added = OnlyName(conv->inputs, "Y");
      sum = OnlyName(conv->inputs, "X");
      conv = OnlyWriter(sum);
    }
    const WeightSlots* slots = conv != nullptr ? FindWeightSlots(conv->type) : nullptr;
    if (slots == nullptr || slots->weight != "Filter") return false;
    if (!OnlyName(conv->inputs, "Bias").empty() || !AddBias(added, affine.scale.size(), &affine)) {
      return false;
    }
    const std::string weight(OnlyName(conv->inputs, slots->weight));
    if (readers_[weight] != 1 || !ScaleWeight(*conv, weight, affine.scale)) return false;
    if (!added.empty()) {
      gone_.insert(writer_.at(x));
      unused_.push_back(added);
    }
    Replace(sum, affine, norm);
    return true;
  }

  // An added bias goes through the batch norm too.
  bool AddBias(const std::string& added, size_t channels, Affine* affine) const {
    if (added.empty()) return true;
    const auto param = program_.params.find(added);
    if (param == program_.params.end() || param->second.dtype != DType::kFloat32) return false;
    const std::span<const float> values = param->second.As<float>();
    if (values.size() != channels || readers_.at(added) != 1) return false;
    for (size_t c = 0; c < channels; ++c) affine->shift[c] += values[c] * affine->scale[c];
    return true;
  }

  bool ScaleWeight(const OpDesc& conv, const std::string& name, const std::vector<double>& scale) {
    const auto param = program_.params.find(name);
    if (param == program_.params.end() || param->second.dtype != DType::kFloat32) return false;
    const std::vector<int64_t> dims = param->second.dims;
    const auto axis = static_cast<size_t>(WeightAxis(conv));
    if (dims.size() != 4 || dims[axis] != static_cast<int64_t>(scale.size())) return false;
    const std::span<const float> from = param->second.As<float>();
    const auto inner = static_cast<size_t>(dims[2] * dims[3] * (axis == 0 ? dims[1] : 1));
    std::vector<float> values(from.size());
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(from[i] * scale[i / inner % scale.size()]);
    }
    editor_.SetParam(name, DType::kFloat32, dims, values);
    return true;
  }

  // The batch norm becomes an addition, under its own shift's name.
  void Replace(const std::string& sum, const Affine& affine, OpDesc* norm) {
    const std::string shift(OnlyName(norm->inputs, "Bias"));
    for (const char* slot : {"Scale", "Mean", "Variance"}) {
      unused_.emplace_back(OnlyName(norm->inputs, slot));
    }
    for (const char* slot : {"SavedMean", "SavedVariance", "ReserveSpace"}) {
      unused_.emplace_back(OnlyName(norm->outputs, slot));
    }
    editor_.SetParam(shift, DType::kFloat32, {static_cast<int64_t>(affine.shift.size())},
                     std::vector<float>(affine.shift.begin(), affine.shift.end()));
    const std::string y(OnlyName(norm->outputs, "Y"));
    *norm = MakeOp("elementwise_add", {{"X", {sum}}, {"Y", {shift}}}, {{"Out", {y}}});
    SetAttribute(norm, "axis", program::AttrType::kInt, int32_t{1});
  }

  // A variable that no operator names any more.
  void Forget(const std::string& name) {
    for (const OpDesc& op : program_.blocks[0].ops) {
      for (const auto* arguments : {&op.inputs, &op.outputs}) {
        for (const program::Argument& argument : *arguments) {
          const auto& names = argument.names;
          if (std::find(names.begin(), names.end(), name) != names.end()) return;
        }
      }
    }
    program_.params.erase(name);
    std::erase_if(program_.blocks[0].vars,
                  [&](const program::VarDesc& var) { return var.name == name; });
  }

  Program& program_;
  Editor editor_;
  std::map<std::string, int> readers_;
  std::map<std::string, size_t> writer_;
  std::set<std::string> fetched_;
  std::set<size_t> gone_;  // operators
  std::vector<std::string> unused_;
};

}  // namespace

int FoldBatchNorms(Program* program) { return Folder(program).Run(); }

}  // namespace skiff::quant
