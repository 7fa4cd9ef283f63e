#include "quant/export.h"

#include <array>
#include <cstdio>

#include "quant/edit.h"
#include "quant/write_files.h"

namespace skiff::quant {
namespace {

// The biases of the layers that are quantised make up for their rounding; those of the others stay.
void CorrectBiases(const Quantized& quantized, program::Program* program) {
  Editor editor(program);
  for (const Layer& layer : quantized.layers) {
    const auto bias = quantized.biases.find(layer.bias);
    if (!layer.why_float.empty() || bias == quantized.biases.end()) continue;
    const std::vector<int64_t> dims = program->params.at(layer.bias).dims;
    editor.SetParam(layer.bias, DType::kFloat32, dims, bias->second);
  }
}

}  // namespace

program::Program Export(const program::Program& program, const Quantized& quantized,
                        const QuantizeOptions& options) {
  program::Program result = program;
  for (const Layer& layer : quantized.layers) {
    if (layer.why_float.empty()) continue;
    SetAttribute(&result.blocks[0].ops[layer.op], kWhyFloat, program::AttrType::kString,
                 layer.why_float);
  }
  CorrectBiases(quantized, &result);
  if (options.algo == CalibrationAlgorithm::kMinMax) {
    ExportMinMax(quantized, &result);
  } else if (options.onnx_format) {
    ExportLinear(quantized, &result);
  } else {
    ExportFake(quantized, options, &result);
  }
  return result;
}

program::Program ExportToRun(const program::Program& program, const Quantized& quantized) {
  QuantizeOptions options;
  options.onnx_format = true;
  return Export(program, quantized, options);
}

Exported ExportBoth(const program::Program& program, const Quantized& quantized,
                    const QuantizeOptions& options) {
  Exported exported;
  exported.to_write = Export(program, quantized, options);
  const bool same = options.onnx_format && options.algo != CalibrationAlgorithm::kMinMax;
  exported.to_run = same ? exported.to_write : ExportToRun(program, quantized);
  return exported;
}

Status WriteModel(const program::Program& program, const Ranges& ranges,
                  const QuantizeOptions& options, const std::string& out) {
  std::string table;
  for (const auto& [name, range] : ranges) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), " %.9g\n", range.threshold);
    table += name + text.data();
  }
  return WriteFiles(program, out, options.model_filename, options.params_filename,
                    {{"calibration_table.txt", table}});
}

}  // namespace skiff::quant
