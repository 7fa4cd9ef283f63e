#include "quant/export.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "formats/file.h"
#include "formats/params.h"
#include "formats/program_writer.h"
#include "quant/edit.h"

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
  CorrectBiases(quantized, &result);
  if (options.onnx_format) {
    ExportLinear(quantized, &result);
  } else {
    ExportFake(quantized, options, &result);
  }
  return result;
}

// Parameters first: who finds the program finds what it reads.
Status WriteModel(const program::Program& program, const Ranges& ranges,
                  const QuantizeOptions& options, const std::string& out) {
  std::error_code error;
  const std::filesystem::path folder(out);
  std::filesystem::create_directories(folder, error);
  if (error) return IoError(out + ": cannot make it: " + error.message());
  std::string table;
  for (const auto& [name, range] : ranges) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), " %.9g\n", range.threshold);
    table += name + text.data();
  }
  SKIFF_RETURN_IF_ERROR(
      formats::WriteCombinedParams(program, (folder / options.params_filename).string()));
  SKIFF_RETURN_IF_ERROR(formats::WriteFile((folder / "calibration_table.txt").string(), table));
  return formats::WriteProgram(program, (folder / options.model_filename).string());
}

}  // namespace skiff::quant
