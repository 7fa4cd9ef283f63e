#include "formats/summary.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "program/attributes.h"

namespace skiff::formats {
namespace {

using program::OpDesc;
using program::Program;

std::string VersionText(const Program& program) {
  if (!program.version) return "";
  const int64_t version = *program.version;
  if (version <= 0) return "development";
  return std::to_string(version / 1000000) + "." + std::to_string(version / 1000 % 1000) + "." +
         std::to_string(version % 1000);
}

std::string_view LayoutText(program::ParamsLayout layout) {
  switch (layout) {
    case program::ParamsLayout::kNone: return "none";
    case program::ParamsLayout::kCombined: return "combined";
    case program::ParamsLayout::kSeparate: return "separate";
  }
  return "none";
}

TensorInfo Describe(const program::Block& block, const std::string& name) {
  TensorInfo info{name, DType::kUndefined, {}};
  const auto var = std::ranges::find(block.vars, name, &program::VarDesc::name);
  if (var == block.vars.end()) return info;
  info.dtype = var->dtype.value_or(DType::kUndefined);
  info.dims = var->dims;
  return info;
}

// The variables of all operators of `type`, feed or fetch, by their attribute `col`.
std::vector<TensorInfo> Collect(const program::Block& block, std::string_view type) {
  std::vector<std::pair<int64_t, TensorInfo>> found;
  for (const OpDesc& op : block.ops) {
    if (op.type != type) continue;
    const program::Argument* argument = type == "feed" ? program::FindArgument(op.outputs, "Out")
                                                       : program::FindArgument(op.inputs, "X");
    if (!argument || argument->names.empty()) continue;
    const int64_t col = program::AttributeReader(op.attributes).Int("col", 0);
    found.emplace_back(col, Describe(block, argument->names.front()));
  }
  std::ranges::stable_sort(found, {}, &std::pair<int64_t, TensorInfo>::first);
  std::vector<TensorInfo> infos;
  for (auto& [col, info] : found) infos.push_back(std::move(info));
  return infos;
}

}  // namespace

int ModelSummary::operator_count() const {
  int count = 0;
  for (const auto& [type, n] : operators) count += n;
  return count;
}

ParameterCount ModelSummary::parameter_total() const {
  ParameterCount total;
  for (const auto& [dtype, count] : parameters) {
    total.tensors += count.tensors;
    total.elements += count.elements;
    total.bytes += count.bytes;
  }
  return total;
}

ModelSummary Summarise(const Program& program) {
  ModelSummary summary;
  summary.source = program.source;
  summary.format = "ProgramDesc";
  summary.params_layout = LayoutText(program.params_layout);
  summary.producer = VersionText(program);
  summary.blocks = program.blocks.size();
  if (!program.blocks.empty()) {
    summary.inputs = Collect(program.blocks.front(), "feed");
    summary.outputs = Collect(program.blocks.front(), "fetch");
  }
  for (const auto& block : program.blocks) {
    for (const OpDesc& op : block.ops) {
      if (op.type != "feed" && op.type != "fetch") ++summary.operators[op.type];
    }
  }
  for (const auto& [name, tensor] : program.params) {
    ParameterCount& count = summary.parameters[tensor.dtype];
    const auto bytes = static_cast<int64_t>(tensor.data.bytes.size());
    ++count.tensors;
    count.elements += bytes / static_cast<int64_t>(std::max<size_t>(SizeOf(tensor.dtype), 1));
    count.bytes += bytes;
  }
  summary.quantisation = SummariseQuantisation(program);
  return summary;
}

}  // namespace skiff::formats
