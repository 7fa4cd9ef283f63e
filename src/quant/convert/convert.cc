// The flow: read, recognise, rewrite the program, write.
#include "skiff/convert.h"

#include <filesystem>
#include <new>

#include "formats/file.h"
#include "formats/model_files.h"
#include "formats/quant_summary.h"
#include "quant/convert/convert_program.h"
#include "quant/convert/dot_graph.h"
#include "quant/write_files.h"

namespace skiff {
namespace {

namespace fs = std::filesystem;
using formats::Representation;

constexpr const char* kOldProgram = "__model__";

// Where the parameters go; empty: a file each.
std::string ParamsName(const ConvertOptions& options) {
  const bool separate =
      options.save_params_filename.empty() && options.save_model_filename == kOldProgram;
  if (separate || !options.save_params_filename.empty()) return options.save_params_filename;
  return fs::path(options.save_model_filename).stem().string() + ".pdiparams";
}

bool SamePlace(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

// Nothing that was there may be taken for part of the new model, and the model that is read must
// survive.
Status CheckPlace(const std::string& source, const ConvertOptions& options, const fs::path& out) {
  std::error_code error;
  fs::create_directories(out, error);
  if (!fs::is_directory(out)) {
    return IoError(out.string() + ": cannot make it: " + error.message());
  }
  if (SamePlace(source, out / options.save_model_filename)) {
    return InvalidArgument(source + ": the converted model would replace the one that is read");
  }
  if (ParamsName(options).empty() && fs::exists(out / "__params__")) {
    return InvalidArgument((out / "__params__").string() +
                           " would be read in place of the new model's parameters: remove it, or "
                           "name another save_params_filename");
  }
  return OkStatus();
}

Status WriteDot(const program::Program& program, const fs::path& path) {
  return formats::WriteFile(path.string(), quant::DotGraph(program));
}

Result<ConvertReport> ConvertModel(const ModelSource& source, const ConvertOptions& options,
                                   const std::string& out) {
  if (options.save_model_filename.empty()) return InvalidArgument("save_model_filename is empty");
  SKIFF_ASSIGN_OR_RETURN(program::Program program, formats::LoadModel(source));
  const Representation found = formats::SummariseQuantisation(program).representation;
  if (found == Representation::kNone) {
    return InvalidArgument(program.source + ": the model is not quantised");
  }
  if (found == Representation::kR7 &&
      !(options.ops_to_quantize.empty() && options.op_ids_to_skip.empty())) {
    return Unsupported(program.source +
                       ": save_quant_model.py has converted it already; choose operators of the "
                       "model that it was made from");
  }
  SKIFF_RETURN_IF_ERROR(CheckPlace(program.source, options, out));
  if (options.debug) {
    SKIFF_RETURN_IF_ERROR(WriteDot(program, fs::path(out) / "int8_0_quantised.dot"));
  }
  ConvertReport report;
  report.representation = Name(found);
  if (found != Representation::kR7) {
    SKIFF_RETURN_IF_ERROR(
        quant::ConvertProgram(&program, options, &report.operators).WithContext(program.source));
  }
  if (options.debug) {
    SKIFF_RETURN_IF_ERROR(WriteDot(program, fs::path(out) / "int8_1_converted.dot"));
  }
  SKIFF_RETURN_IF_ERROR(
      quant::WriteFiles(program, out, options.save_model_filename, ParamsName(options)));
  return report;
}

}  // namespace

Result<ConvertReport> Convert(const ModelSource& source, const ConvertOptions& options,
                              const std::string& out) {
  try {
    return ConvertModel(source, options, out);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to convert the model");
  } catch (const fs::filesystem_error& error) {
    return IoError(error.what());
  }
}

}  // namespace skiff
