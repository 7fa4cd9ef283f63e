#include "passes/import_program.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "ops/op_def.h"
#include "program/blob.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;
using program::OpDesc;
using program::Program;

constexpr size_t kMaxOps = 200'000;

// Attributes that never change what is computed (docs/formats.md).
constexpr std::array<std::string_view, 8> kIgnored = {
    "op_callstack",    "op_role",    "op_role_var",   "op_device",
    "with_quant_attr", "use_mkldnn", "use_quantizer", "use_cudnn"};

class Importer {
 public:
  explicit Importer(const Program& program) : program_(program) {}

  Result<std::unique_ptr<Graph>> Run() {
    if (program_.blocks.empty()) return Corruption("the program has no block");
    const program::Block& block = program_.blocks[0];
    if (block.ops.size() > kMaxOps) {
      return ResourceExhausted(std::to_string(block.ops.size()) + " operators, at most " +
                               std::to_string(kMaxOps) + " are read");
    }
    for (const program::VarDesc& var : block.vars) vars_[var.name] = &var;
    for (const auto& [name, tensor] : program_.params) {
      // Two bytes of a parameter are how it is stored; the program around it computes in float32.
      current_[name] =
          graph_->AddConstant(name, std::make_shared<program::Tensor>(program::Widened(tensor)));
    }
    for (size_t i = 0; i < block.ops.size(); ++i) {
      const OpDesc& op = block.ops[i];
      const Status status = op.type == "feed"    ? ImportFeed(op)
                            : op.type == "fetch" ? ImportFetch(op)
                                                 : ImportOp(op);
      if (!status.ok()) {
        return status.WithContext("operator " + std::to_string(i) + " (" + op.type + ")");
      }
    }
    SKIFF_RETURN_IF_ERROR(OrderInputsAndOutputs());
    return std::move(graph_);
  }

 private:
  static Result<std::string> OnlyName(std::span<const program::Argument> arguments,
                                      std::string_view slot) {
    const program::Argument* argument = program::FindArgument(arguments, slot);
    if (argument == nullptr || argument->names.size() != 1) {
      return Corruption("slot " + std::string(slot) + " must name one variable");
    }
    return argument->names[0];
  }

  [[nodiscard]] Result<size_t> Column(const OpDesc& op) const {
    program::AttributeReader attributes(op.attributes);
    const int64_t col = attributes.Int("col", 0);
    SKIFF_RETURN_IF_ERROR(attributes.status());
    if (col < 0) return Corruption("attribute col is " + std::to_string(col));
    return static_cast<size_t>(col);
  }

  Status ImportFeed(const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const std::string name, OnlyName(op.outputs, "Out"));
    SKIFF_ASSIGN_OR_RETURN(const size_t col, Column(op));
    if (!feeds_.emplace(col, NewValue(name)).second) {
      return Corruption("two inputs have column " + std::to_string(col));
    }
    return OkStatus();
  }

  Status ImportFetch(const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const std::string name, OnlyName(op.inputs, "X"));
    SKIFF_ASSIGN_OR_RETURN(const size_t col, Column(op));
    SKIFF_ASSIGN_OR_RETURN(Value * value, Lookup(name));
    if (!fetches_.emplace(col, std::make_pair(name, value)).second) {
      return Corruption("two outputs have column " + std::to_string(col));
    }
    return OkStatus();
  }

  Status OrderInputsAndOutputs() {
    size_t next = 0;
    for (const auto& [col, value] : feeds_) {
      if (col != next++) return Corruption("the inputs' columns have a gap");
      graph_->inputs.push_back(value);
    }
    next = 0;
    for (const auto& [col, fetched] : fetches_) {
      if (col != next++) return Corruption("the outputs' columns have a gap");
      graph_->output_names.push_back(fetched.first);
      graph_->outputs.push_back(fetched.second);
    }
    if (graph_->outputs.empty()) return Corruption("the model has no output");
    return OkStatus();
  }

  Status ImportOp(const OpDesc& op) {
    Node* node = graph_->AddNode(op.type, op.type);
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) {
        SKIFF_ASSIGN_OR_RETURN(Value * value, Lookup(name));
        graph_->AddInput(node, argument.slot, value);
      }
    }
    for (const program::Attribute& attribute : op.attributes) {
      if (std::find(kIgnored.begin(), kIgnored.end(), attribute.name) == kIgnored.end()) {
        node->SetAttribute(attribute.name, attribute.type, attribute.value);
      }
    }
    bool has_name = false;
    for (const program::Argument& argument : op.outputs) {
      // A main output names the node; an auxiliary one (XShape, Mask) only where nothing else does.
      const bool main = argument.slot == "Out" || argument.slot == "Output" || argument.slot == "Y";
      for (const std::string& name : argument.names) {
        // Running statistics (MeanOut, OutScale) that alias a parameter: inference leaves them be.
        if (!main && program_.params.contains(name)) continue;
        Value* value = NewValue(name);
        graph_->AddOutput(node, argument.slot, value);
        if (!has_name || main) node->name = value->name;
        has_name = true;
      }
    }
    return OkStatus();
  }

  Result<Value*> Lookup(const std::string& name) {
    const auto it = current_.find(name);
    if (it != current_.end()) return it->second;
    const auto var = vars_.find(name);
    if (var != vars_.end() && var->second->persistable.value_or(false)) {
      return Corruption("parameter " + name + " has no data");
    }
    return Corruption("variable " + name + " is read before anything wrote it");
  }

  Value* NewValue(const std::string& name) {
    const int k = writes_[name]++;
    DType dtype = DType::kFloat32;
    std::vector<int64_t> dims;
    if (const auto it = vars_.find(name); it != vars_.end()) {
      dtype = it->second->dtype.value_or(DType::kFloat32);
      dims = it->second->dims;
    }
    Value* value =
        graph_->AddValue(k == 0 ? name : name + "#" + std::to_string(k), dtype, std::move(dims));
    current_[name] = value;
    return value;
  }

  const Program& program_;
  std::unique_ptr<Graph> graph_ = std::make_unique<Graph>();
  std::unordered_map<std::string, const program::VarDesc*> vars_;
  std::unordered_map<std::string, Value*> current_;
  std::unordered_map<std::string, int> writes_;
  std::map<size_t, Value*> feeds_;
  std::map<size_t, std::pair<std::string, Value*>> fetches_;
};

}  // namespace

Result<std::unique_ptr<Graph>> ImportProgram(const Program& program) {
  return Importer(program).Run();
}

Status CheckSupported(const Graph& graph) {
  std::map<std::string, std::vector<std::string>> problems;  // "type: reason" -> node names
  for (const Node& node : graph.nodes()) {
    const ops::OpDef* op = ops::FindOp(node.type);
    if (op == nullptr) {
      problems[node.type].push_back(node.name);
      continue;
    }
    const Status status = op->check(graph, node);
    if (!status.ok()) {
      problems[node.type + ": " + std::string(status.message())].push_back(node.name);
    }
  }
  if (problems.empty()) return OkStatus();
  std::string message = "the model has operators that Skiff cannot run:";
  for (const auto& [what, names] : problems) {
    message += "\n  " + what + " (" + std::to_string(names.size()) + ": ";
    for (size_t i = 0; i < names.size(); ++i) message += (i ? ", " : "") + names[i];
    message += ")";
  }
  return Unsupported(std::move(message));
}

}  // namespace skiff::passes
