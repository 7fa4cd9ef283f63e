#include "quant/write_files.h"

#include <filesystem>

#include "formats/file.h"
#include "formats/params.h"
#include "formats/program_writer.h"

namespace skiff::quant {

Status WriteFiles(const program::Program& program, const std::string& folder,
                  const std::string& model_filename, const std::string& params_filename,
                  const std::vector<TextFile>& beside) {
  const std::filesystem::path out(folder);
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (!std::filesystem::is_directory(out, error)) {
    return IoError(folder + ": is no folder that can be written to: " + error.message());
  }
  SKIFF_RETURN_IF_ERROR(params_filename.empty() ? formats::WriteSeparateParams(program, folder)
                                                : formats::WriteCombinedParams(
                                                      program, (out / params_filename).string()));
  for (const TextFile& file : beside) {
    SKIFF_RETURN_IF_ERROR(formats::WriteFile((out / file.name).string(), file.text));
  }
  return formats::WriteProgram(program, (out / model_filename).string());
}

int64_t ParameterBytes(const program::Program& program) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : program.params) {
    bytes += static_cast<int64_t>(tensor.data.bytes.size());
  }
  return bytes;
}

}  // namespace skiff::quant
