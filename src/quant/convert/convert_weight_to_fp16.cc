// Paddle's convert_weight_to_fp16: parameters as float16 behind a program that does not know.
#include <algorithm>
#include <cmath>
#include <new>

#include "base/half.h"
#include "formats/model_files.h"
#include "program/blob.h"
#include "quant/write_files.h"
#include "skiff/quantize_weights.h"

namespace skiff {
namespace {

using program::Program;
using program::Tensor;

constexpr float kLargestHalf = 65504;

// Why a parameter stays as it is; empty: it does not.
std::string WhyKept(const Tensor& tensor) {
  if (tensor.dtype != DType::kFloat32) return "is " + std::string(Name(tensor.dtype));
  const std::span<const float> values = tensor.As<float>();
  const bool fits = std::all_of(values.begin(), values.end(), [](float v) {
    return std::fabs(v) <= kLargestHalf || !std::isfinite(v);
  });
  return fits ? "" : "holds values beyond 65504, the largest float16";
}

Tensor Narrowed(const Tensor& tensor) {
  const std::span<const float> values = tensor.As<float>();
  std::vector<uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), ToHalf);
  Tensor narrow = program::MakeTensor<uint16_t>(DType::kFloat16, tensor.dims, halves);
  narrow.lod = tensor.lod;
  return narrow;
}

// The first operator that reads each parameter, and the variable that it writes.
void NameReaders(const Program& program, StoredWeightsReport* report) {
  for (StoredWeight& row : report->weights) {
    for (const program::OpDesc& op : program.blocks[0].ops) {
      const bool reads = std::any_of(
          op.inputs.begin(), op.inputs.end(), [&row](const program::Argument& argument) {
            return std::find(argument.names.begin(), argument.names.end(), row.weight) !=
                   argument.names.end();
          });
      if (!reads) continue;
      row.op = op.type;
      for (const program::Argument& argument : op.outputs) {
        if (row.name.empty() && !argument.names.empty()) row.name = argument.names[0];
      }
      break;
    }
  }
}

}  // namespace

Result<StoredWeightsReport> ConvertWeightToFp16(const ModelSource& source,
                                                const Fp16Options& options,
                                                const std::string& save_model_dir) {
  try {
    SKIFF_ASSIGN_OR_RETURN(Program program, formats::LoadModel(source));
    if (program.blocks.empty()) return Corruption(program.source + ": the program has no block");
    StoredWeightsReport report;
    report.bytes_before = quant::ParameterBytes(program);
    for (auto& [name, tensor] : program.params) {
      report.weights.push_back({"", "", name, WhyKept(tensor)});
      if (report.weights.back().why_float.empty()) tensor = Narrowed(tensor);
    }
    NameReaders(program, &report);
    report.bytes_after = quant::ParameterBytes(program);
    SKIFF_RETURN_IF_ERROR(quant::WriteFiles(program, save_model_dir, options.save_model_filename,
                                            options.save_params_filename));
    return report;
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to convert the model's weights");
  }
}

}  // namespace skiff
