// Compile: lower every node, bind values, and let values share storage.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "ops/op_def.h"
#include "plan/model.h"
#include "steps/int8_conv.h"
#include "steps/known_ints.h"

namespace skiff::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options)
      : graph_(graph),
        in_place_(options.in_place),
        fuse_addends_(options.fuse && options.fuse_addends),
        join_in_place_(options.join_in_place),
        choices_(options.choices) {}

  Result<std::shared_ptr<Model>> Run(Isa isa) {
    model_->isa = isa;
    for (const Value* input : graph_.inputs) model_->inputs.push_back(IndexOf(input));
    for (const Node& node : graph_.nodes()) {
      SKIFF_RETURN_IF_ERROR(Lower(node, isa).WithContext(node.type + " " + node.name));
    }
    SKIFF_RETURN_IF_ERROR(BindOutputs());
    if (fuse_addends_) FuseAddends();
    if (join_in_place_) JoinInPlace();
    ShareStorage();
    LinkWeights();
    return std::move(model_);
  }

 private:
  int IndexOf(const Value* value) {
    const auto [it, fresh] = index_.emplace(value, static_cast<int>(model_->values.size()));
    if (fresh) {
      ValueInfo& info = model_->values.emplace_back();
      info.name = value->name;
      info.dtype = value->dtype;
      info.layout = value->layout;
      info.grid = value->grid;
      if (value->constant) BindConstant(*value, &info);
    }
    return it->second;
  }

  static void BindConstant(const Value& value, ValueInfo* info) {
    const program::Tensor& tensor = *value.constant;
    const size_t bytes = tensor.data.bytes.size();
    auto copy = std::make_shared<AlignedBuffer>(bytes);
    if (bytes > 0) std::memcpy(copy->As(), tensor.data.bytes.data(), bytes);
    info->constant = std::move(copy);
    info->constant_shape.dims = Dims(tensor.dims);
    steps::SetKnownInts(tensor.dtype, tensor.data.bytes.data(), &info->constant_shape);
  }

  Status Lower(const Node& node, Isa isa) {
    const ops::OpDef* op = ops::FindOp(node.type);
    if (op == nullptr) return Unsupported("no such operator");
    SKIFF_ASSIGN_OR_RETURN(ops::Lowered lowered, op->lower({graph_, node, isa, choices_}));
    PlannedStep& planned = model_->steps.emplace_back();
    for (const Value* value : lowered.inputs) planned.inputs.push_back(IndexOf(value));
    for (const Value* value : lowered.outputs) planned.outputs.push_back(IndexOf(value));
    planned.info = lowered.step->Info();
    planned.info.op = node.type;
    planned.info.name = node.name;
    planned.info.why_float = node.why_float;
    planned.step = std::move(lowered.step);
    return OkStatus();
  }

  Status BindOutputs() {
    for (const Value* output : graph_.outputs) {
      const int index = IndexOf(output);
      model_->outputs.push_back(index);
    }
    return CheckWritten();
  }

  // Every value that a step reads was written by an earlier one.
  [[nodiscard]] Status CheckWritten() const {
    std::vector<bool> written(model_->values.size());
    for (int i : model_->inputs) written[static_cast<size_t>(i)] = true;
    const auto check = [&](int v, const std::string& reader) {
      const ValueInfo& value = model_->values[static_cast<size_t>(v)];
      if (written[static_cast<size_t>(v)] || value.constant) return OkStatus();
      return Unsupported(reader + " needs " + value.name + ", which its operator does not compute");
    };
    for (const PlannedStep& step : model_->steps) {
      for (int v : step.inputs) SKIFF_RETURN_IF_ERROR(check(v, step.info.name));
      for (int v : step.outputs) written[static_cast<size_t>(v)] = true;
    }
    for (int v : model_->outputs) SKIFF_RETURN_IF_ERROR(check(v, "the model's output"));
    return OkStatus();
  }

  // How often each value is read, by the caller too, and which step writes it.
  struct Uses {
    std::vector<int> readers;
    std::unordered_map<int, size_t> writer;
  };
  [[nodiscard]] Uses FindUses() const {
    Uses uses;
    uses.readers.resize(model_->values.size());
    for (const int v : model_->outputs) ++uses.readers[static_cast<size_t>(v)];
    for (size_t s = 0; s < model_->steps.size(); ++s) {
      for (const int v : model_->steps[s].inputs) ++uses.readers[static_cast<size_t>(v)];
      for (const int v : model_->steps[s].outputs) uses.writer[v] = s;
    }
    return uses;
  }

  // Lets steps write what a concat alone reads where it joins it.
  void JoinInPlace() {
    const Uses uses = FindUses();
    for (const PlannedStep& planned : model_->steps) {
      if (!planned.step->JoinsChannels()) continue;
      for (const int v : planned.inputs) {
        const auto found = uses.writer.find(v);
        if (uses.readers[static_cast<size_t>(v)] != 1 || found == uses.writer.end()) continue;
        const steps::Step& writer = *model_->steps[found->second].step;
        if (!writer.WritesStrided() || writer.InPlaceInput() >= 0) continue;
        model_->values[static_cast<size_t>(v)].part_of = planned.outputs[0];
      }
    }
  }

  // Puts every convolution whose float output only another one adds into that one's step.
  void FuseAddends() {
    std::vector<PlannedStep>& all = model_->steps;
    const Uses uses = FindUses();
    for (PlannedStep& sum : all) {
      if (sum.inputs.size() != 2 || uses.readers[static_cast<size_t>(sum.inputs[1])] != 1) {
        continue;
      }
      const auto found = uses.writer.find(sum.inputs[1]);
      if (found == uses.writer.end()) continue;
      PlannedStep& addend = all[found->second];
      std::unique_ptr<steps::Step> both = steps::FuseAddend(&addend.step, &sum.step);
      if (both == nullptr) continue;
      sum.step = std::move(both);
      sum.inputs[1] = addend.inputs[0];
      sum.info.name += " + " + addend.info.name;
    }
    std::erase_if(all, [](const PlannedStep& planned) { return planned.step == nullptr; });
  }

  // -- storage
  int Find(int v) {
    while (parent_[static_cast<size_t>(v)] != v) v = parent_[static_cast<size_t>(v)];
    return v;
  }

  void ShareStorage() {
    const size_t n = model_->values.size();
    const int end = static_cast<int>(model_->steps.size());
    parent_.resize(n);
    std::iota(parent_.begin(), parent_.end(), 0);
    std::vector<int> last(n, -1);
    for (int s = 0; s < end; ++s) {
      for (int v : model_->steps[static_cast<size_t>(s)].inputs) last[static_cast<size_t>(v)] = s;
    }
    std::vector<bool> pinned(n);  // the user's memory, or the model's outputs
    for (int v : model_->inputs) pinned[static_cast<size_t>(v)] = true;
    for (int v : model_->outputs) last[static_cast<size_t>(v)] = end;
    for (size_t v = 0; v < n; ++v) {
      const int whole = model_->values[v].part_of;
      if (whole < 0) continue;
      parent_[v] = whole;
      last[static_cast<size_t>(whole)] = std::max(last[static_cast<size_t>(whole)], last[v]);
    }
    for (int s = 0; s < end; ++s) Unite(s, last, pinned);
    NumberStorages(last);
  }

  // Lets output 0 of step `s` take the storage of one of its inputs, where that is allowed.
  void Unite(int s, std::vector<int>& last, const std::vector<bool>& pinned) {
    const PlannedStep& planned = model_->steps[static_cast<size_t>(s)];
    if (planned.outputs.empty()) return;
    const int out = planned.outputs[0];
    const int alias = planned.step->AliasInput();
    const int in_place = in_place_ ? planned.step->InPlaceInput() : -1;
    const int from = alias >= 0 ? alias : in_place;
    if (from < 0 || from >= static_cast<int>(planned.inputs.size())) return;
    const int in = planned.inputs[static_cast<size_t>(from)];
    const int root = Find(in);
    const bool constant = model_->values[static_cast<size_t>(in)].constant != nullptr;
    const bool must = alias >= 0;
    // Written over only where nobody reads it later, under this or another name.
    const bool dead = last[static_cast<size_t>(root)] <= s && !pinned[static_cast<size_t>(root)] &&
                      std::count_if(planned.inputs.begin(), planned.inputs.end(),
                                    [&](int v) { return Find(v) == root; }) == 1;
    if (constant || (!must && !dead)) return;
    parent_[static_cast<size_t>(Find(out))] = root;
    last[static_cast<size_t>(root)] =
        std::max(last[static_cast<size_t>(root)], last[static_cast<size_t>(out)]);
  }

  void NumberStorages(const std::vector<int>& last) {
    std::vector<int> first(model_->values.size(), 0);
    for (size_t s = model_->steps.size(); s-- > 0;) {
      for (int v : model_->steps[s].outputs) {
        const auto root = static_cast<size_t>(Find(v));
        first[root] = static_cast<int>(s);
      }
    }
    for (int v : model_->inputs) first[static_cast<size_t>(Find(v))] = 0;
    std::unordered_map<int, int> number;
    for (size_t v = 0; v < model_->values.size(); ++v) {
      if (model_->values[v].constant) continue;
      const int root = Find(static_cast<int>(v));
      const auto [it, fresh] = number.emplace(root, static_cast<int>(model_->storages.size()));
      if (fresh) {
        const auto r = static_cast<size_t>(root);
        model_->storages.push_back({first[r], std::max(first[r], last[r])});
      }
      model_->values[v].storage = it->second;
    }
  }

  // Tells every step which weights are read next.
  void LinkWeights() {
    const void* next = nullptr;
    for (size_t s = model_->steps.size(); s-- > 0;) {
      steps::Step& step = *model_->steps[s].step;
      step.SetNextWeights(next);
      if (const void* first = step.FirstWeights()) next = first;
    }
  }

  const Graph& graph_;
  bool in_place_;
  bool fuse_addends_;
  bool join_in_place_;
  std::shared_ptr<const steps::KernelChoices> choices_;
  std::shared_ptr<Model> model_ = std::make_shared<Model>();
  std::unordered_map<const Value*, int> index_;
  std::vector<int> parent_;
};

TensorInfo InfoOf(const Value& value, const std::string& name) {
  return {name, value.dtype, value.dims};
}

}  // namespace

Result<std::shared_ptr<const Model>> Compile(const program::Program& program,
                                             const CompileOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const Isa isa, SelectIsa());
  std::vector<passes::CarriedSkip> skips;
  SKIFF_ASSIGN_OR_RETURN(const std::unique_ptr<Graph> graph, Optimise(program, options, &skips));
  SKIFF_ASSIGN_OR_RETURN(std::shared_ptr<Model> model, Compiler(*graph, options).Run(isa));
  for (const Value* input : graph->inputs) {
    model->input_infos.push_back(InfoOf(*input, input->name));
  }
  for (size_t i = 0; i < graph->outputs.size(); ++i) {
    model->output_infos.push_back(InfoOf(*graph->outputs[i], graph->output_names[i]));
  }
  model->precision = options.precision;
  model->skips = std::move(skips);
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace skiff::plan
