// quant_embedding: embedding tables as int8, with dequantize_abs_max behind the look-ups.
#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <set>

#include "formats/model_files.h"
#include "quant/edit.h"
#include "quant/operators.h"
#include "quant/write_files.h"
#include "skiff/quantize_weights.h"

namespace skiff {
namespace {

using program::AttrType;
using program::OpDesc;

constexpr float kMaxCode = 127;

bool IsLookup(std::string_view type) { return type == "lookup_table" || type == "lookup_table_v2"; }

class EmbeddingQuantizer {
 public:
  EmbeddingQuantizer(const EmbeddingOptions& options, program::Program* program)
      : options_(options), program_(program), editor_(program) {}

  Status Run(StoredWeightsReport* report) {
    report->bytes_before = quant::ParameterBytes(*program_);
    const std::vector<OpDesc> ops = program_->blocks[0].ops;
    FindOtherReaders(ops);
    for (const OpDesc& op : ops) {
      if (!Asked(op)) {
        editor_.ops.push_back(op);
        continue;
      }
      const std::string table(quant::OnlyName(op.inputs, "W"));
      const std::string out(quant::OnlyName(op.outputs, "Out"));
      std::string why = WhyFloat(table, out);
      report->weights.push_back({op.type, out, table, why});
      if (why.empty()) {
        SKIFF_RETURN_IF_ERROR(StoreTable(table));
        AppendLookup(op, table, out);
      } else {
        editor_.ops.push_back(op);
      }
    }
    editor_.Finish();
    DropTables();
    report->bytes_after = quant::ParameterBytes(*program_);
    return OkStatus();
  }

 private:
  [[nodiscard]] bool Asked(const OpDesc& op) const {
    const auto& types = options_.quantizable_op_type;
    return std::find(types.begin(), types.end(), op.type) != types.end();
  }

  void FindOtherReaders(const std::vector<OpDesc>& ops) {
    for (const OpDesc& op : ops) {
      for (const program::Argument& argument : op.inputs) {
        if (Asked(op) && argument.slot == "W") continue;
        other_readers_.insert(argument.names.begin(), argument.names.end());
      }
    }
  }

  [[nodiscard]] std::string WhyFloat(const std::string& table, const std::string& out) const {
    if (table.empty() || out.empty()) return "its slots do not name one variable each";
    const auto param = program_->params.find(table);
    if (param == program_->params.end() && !tables_.contains(table)) {
      return "its table is no parameter";
    }
    if (param != program_->params.end() && param->second.dtype != DType::kFloat32) {
      return "its table is " + std::string(Name(param->second.dtype)) + " already";
    }
    return other_readers_.contains(table) ? "its table is also read by another operator" : "";
  }

  Status StoreTable(const std::string& table) {
    if (!tables_.insert(table).second) return OkStatus();
    const program::Tensor stored = program_->params.at(table);
    const std::span<const float> w = stored.As<float>();
    float largest = 0;
    for (const float x : w) {
      if (!std::isfinite(x)) {
        return InvalidArgument("table " + table + " holds a value that is not finite");
      }
      largest = std::max(largest, std::fabs(x));
    }
    const float threshold = options_.threshold.value_or(largest > 0 ? largest : 1.0F);
    std::vector<int8_t> codes(w.size());
    for (size_t i = 0; i < w.size(); ++i) {
      const float x = std::clamp(w[i], -threshold, threshold);
      codes[i] = static_cast<int8_t>(
          std::clamp(std::nearbyint(x / threshold * kMaxCode), -kMaxCode, kMaxCode));
    }
    editor_.SetParam(table + ".int8", DType::kInt8, stored.dims, codes);
    editor_.SetParam(table + ".scale", DType::kFloat32, {1}, std::vector<float>{threshold});
    return OkStatus();
  }

  // The look-up gives codes; readers find the floats where they were.
  void AppendLookup(OpDesc op, const std::string& table, const std::string& out) {
    const std::string codes = out + ".int8";
    quant::RenameInput(&op, table, table + ".int8");
    for (program::Argument& argument : op.outputs) {
      std::replace(argument.names.begin(), argument.names.end(), out, codes);
    }
    editor_.AddVarLike(codes, out, DType::kInt8);
    editor_.ops.push_back(std::move(op));
    OpDesc dequantize = quant::MakeOp(
        "dequantize_abs_max", {{"X", {codes}}, {"Scale", {table + ".scale"}}}, {{"Out", {out}}});
    quant::SetAttribute(&dequantize, "max_range", AttrType::kFloat, kMaxCode);
    editor_.ops.push_back(std::move(dequantize));
  }

  void DropTables() {
    std::erase_if(program_->blocks[0].vars,
                  [&](const program::VarDesc& var) { return tables_.contains(var.name); });
    for (const std::string& table : tables_) program_->params.erase(table);
  }

  const EmbeddingOptions& options_;
  program::Program* program_;
  quant::Editor editor_;
  std::set<std::string> other_readers_;
  std::set<std::string> tables_;  // that are stored as int8
};

Result<StoredWeightsReport> QuantizeModel(const ModelSource& source,
                                          const EmbeddingOptions& options, const std::string& out) {
  for (const std::string& type : options.quantizable_op_type) {
    if (IsLookup(type)) continue;
    return InvalidArgument("quantizable_op_type " + type +
                           ": lookup_table or lookup_table_v2 expected");
  }
  if (options.threshold && !(*options.threshold > 0 && std::isfinite(*options.threshold))) {
    return InvalidArgument("threshold " + std::to_string(*options.threshold) +
                           ": a positive number expected");
  }
  SKIFF_ASSIGN_OR_RETURN(program::Program program, formats::LoadModel(source));
  if (program.blocks.empty()) return Corruption(program.source + ": the program has no block");
  StoredWeightsReport report;
  SKIFF_RETURN_IF_ERROR(
      EmbeddingQuantizer(options, &program).Run(&report).WithContext(program.source));
  if (report.weights.empty()) {
    return InvalidArgument(program.source + ": the model has no embedding table");
  }
  SKIFF_RETURN_IF_ERROR(
      quant::WriteFiles(program, out, options.save_model_filename, options.save_params_filename));
  return report;
}

}  // namespace

Result<StoredWeightsReport> QuantizeEmbedding(const ModelSource& source,
                                              const EmbeddingOptions& options,
                                              const std::string& out) {
  try {
    return QuantizeModel(source, options, out);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to quantise the model's tables");
  }
}

}  // namespace skiff
