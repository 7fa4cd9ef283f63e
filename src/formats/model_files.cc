#include "formats/model_files.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/file.h"
#include "formats/limits.h"
#include "formats/params.h"
#include "formats/program_reader.h"
#include "formats/program_writer.h"

namespace skiff::formats {
namespace {

namespace fs = std::filesystem;
using program::Program;

constexpr std::string_view kPirMessage = "Paddle 3 PIR programs are not supported yet";

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool IsDirectory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string Join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : (fs::path(folder) / name).string();
}

// The names of the files in a folder, sorted.
Result<std::vector<std::string>> List(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  if (!fs::exists(folder, error)) return NotFound(folder + ": no such directory");
  if (!fs::is_directory(folder, error)) {
    return InvalidArgument(folder + ": is a file, expected a directory");
  }
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (IsFile(it->path())) names.push_back(it->path().filename().string());
  }
  if (error) return IoError(folder + ": cannot list: " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> FindProgram(const std::string& folder) {
  SKIFF_ASSIGN_OR_RETURN(const std::vector<std::string> names, List(folder));
  std::vector<std::string> candidates;
  std::string pir;
  for (const std::string& name : names) {
    const fs::path path(name);
    const bool is_program =
        name == "__model__" || name == "model" || path.extension() == ".pdmodel";
    if (is_program) candidates.push_back(name);
    if (path.extension() == ".json" &&
        IsFile(fs::path(folder) / (path.stem().string() + ".pdiparams"))) {
      pir = name;
    }
  }
  for (const std::string_view preferred : {"inference.pdmodel", "model.pdmodel"}) {
    if (std::find(candidates.begin(), candidates.end(), preferred) != candidates.end()) {
      return std::string(preferred);
    }
  }
  if (candidates.size() == 1) return candidates.front();
  if (candidates.empty() && !pir.empty()) {
    return Unsupported(Join(folder, pir) + ": " + std::string(kPirMessage));
  }
  if (candidates.empty()) {
    return NotFound(folder + ": holds no model (__model__, model or *.pdmodel)");
  }
  std::string list;
  for (const std::string& name : candidates) list += (list.empty() ? "" : ", ") + name;
  return InvalidArgument(folder + ": holds several models, name one of " + list);
}

// Where the parameters of `model_path` are when the caller did not say.
std::string ParamsBeside(const fs::path& model_path) {
  const std::string name = model_path.filename().string();
  const fs::path folder = model_path.parent_path();
  if (name == "__model__") return (folder / "__params__").string();
  if (name == "model") return (folder / "params").string();
  return (folder / (model_path.stem().string() + ".pdiparams")).string();
}

Result<Program> LoadBuffers(const ModelSource& source) {
  if (!source.model_dir.empty() || !source.model_file.empty() || !source.params_file.empty()) {
    return InvalidArgument("a model is given both in memory and by path");
  }
  SKIFF_ASSIGN_OR_RETURN(Program program, ReadProgram(source.model_buffer, "<memory>"));
  SKIFF_RETURN_IF_ERROR(
      ReadCombinedParams(source.params_buffer, "<parameters in memory>", &program));
  return program;
}

Result<Program> LoadProgram(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const program::Blob file, MapFile(path, kMaxProgramBytes));
  const bool is_json = !file.bytes.empty() && file.bytes.front() == std::byte{'{'};
  if (fs::path(path).extension() == ".json" || is_json) {
    return Unsupported(path + ": " + std::string(kPirMessage));
  }
  return ReadProgram(file.bytes, path);
}

Status LoadParams(const ModelSource& source, const std::string& model_path, Program* program) {
  if (!source.params_file.empty()) {
    return ReadCombinedParams(Join(source.model_dir, source.params_file), program);
  }
  const std::string beside = ParamsBeside(model_path);
  const bool may_be_separate = fs::path(model_path).filename() == "__model__";
  if (!may_be_separate || IsFile(beside)) return ReadCombinedParams(beside, program);
  const std::string folder = fs::path(model_path).parent_path().string();
  return ReadSeparateParams(folder.empty() ? "." : folder, program);
}

}  // namespace

Result<Program> LoadModel(const ModelSource& source) {
  if (!source.model_buffer.empty() || !source.params_buffer.empty()) return LoadBuffers(source);
  if (source.model_dir.empty() && source.model_file.empty()) {
    return InvalidArgument("no model is given");
  }
  std::string model_file = source.model_file;
  if (model_file.empty()) {
    SKIFF_ASSIGN_OR_RETURN(model_file, FindProgram(source.model_dir));
  }
  const std::string model_path = Join(source.model_dir, model_file);
  SKIFF_ASSIGN_OR_RETURN(Program program, LoadProgram(model_path));
  SKIFF_RETURN_IF_ERROR(LoadParams(source, model_path, &program));
  return program;
}

Status SaveModel(const Program& program, const std::string& folder, const std::string& prefix,
                 program::ParamsLayout layout) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!IsDirectory(folder)) return IoError(folder + ": cannot make it: " + error.message());
  // The program last: who finds it finds its parameters.
  if (layout == program::ParamsLayout::kSeparate) {
    SKIFF_RETURN_IF_ERROR(WriteSeparateParams(program, folder));
    return WriteProgram(program, Join(folder, "__model__"));
  }
  SKIFF_RETURN_IF_ERROR(WriteCombinedParams(program, Join(folder, prefix + ".pdiparams")));
  return WriteProgram(program, Join(folder, prefix + ".pdmodel"));
}

}  // namespace skiff::formats
