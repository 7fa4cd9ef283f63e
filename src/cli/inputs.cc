#include "cli/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>

#include "cli/text.h"
#include "formats/npy.h"
#include "program/blob.h"

namespace skiff::cli {
namespace {

constexpr int64_t kMaxInputBytes = int64_t{8} << 30;

Status UnknownInput(const Session& session, const std::string& argument, std::string_view flag) {
  if (argument.find('=') == std::string::npos) {
    return InvalidArgument(fmt::format("{} {}: NAME=VALUE is wanted", flag, argument));
  }
  std::vector<std::string_view> names;
  for (const TensorInfo& input : session.inputs()) names.emplace_back(input.name);
  return NotFound(fmt::format("{} {}: no input has this name; the model has {}", flag, argument,
                              fmt::join(names, ", ")));
}

// "name=value" arguments as a map; names must be inputs of the session, each at most once.
Result<std::map<std::string, std::string>> ByInput(const Session& session,
                                                   const std::vector<std::string>& arguments,
                                                   std::string_view flag) {
  std::map<std::string, std::string> values;
  for (const std::string& argument : arguments) {
    const auto input = std::find_if(
        session.inputs().begin(), session.inputs().end(),
        [&argument](const TensorInfo& info) { return argument.starts_with(info.name + "="); });
    if (input == session.inputs().end()) return UnknownInput(session, argument, flag);
    if (!values.emplace(input->name, argument.substr(input->name.size() + 1)).second) {
      return InvalidArgument(fmt::format("{}: input {} is given twice", flag, input->name));
    }
  }
  return values;
}

// Height and width that pictures have after preprocessing; 0 when they keep their own.
std::array<int64_t, 2> PictureSides(const imaging::Preprocess& p) {
  if (p.crop_size != 0) return {p.crop_size, p.crop_size};
  return {p.resize_height, p.resize_width};
}

Result<std::vector<int64_t>> FreeShape(const TensorInfo& input, int64_t batch_size,
                                       const imaging::Preprocess& preprocess) {
  std::vector<int64_t> dims = input.dims;
  const std::array<int64_t, 2> sides = PictureSides(preprocess);
  const bool picture = dims.size() == 4 && dims[1] == 3;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] > 0) {
      if (i == 0 && batch_size != 1 && dims[0] != batch_size) {
        return InvalidArgument(fmt::format("input {} is declared {}: its batch size is not {}",
                                           input.name, DimsText(input.dims), batch_size));
      }
      continue;
    }
    if (i == 0) dims[i] = batch_size;
    if (i >= 2 && picture) dims[i] = sides[i - 2];
    if (dims[i] <= 0) {
      return InvalidArgument(fmt::format(
          "input {} is declared {}: say its shape, such as --input_shape {}=1,3,640,640",
          input.name, DimsText(input.dims), input.name));
    }
  }
  return dims;
}

Result<program::Tensor> MadeUp(const TensorInfo& input, std::vector<int64_t> dims) {
  const auto width = static_cast<int64_t>(SizeOf(input.dtype));
  if (width == 0) {
    return Unsupported(fmt::format("input {} has type {}", input.name, Name(input.dtype)));
  }
  const int64_t elements = Numel(dims);
  if (elements > kMaxInputBytes / width) {
    return ResourceExhausted(
        fmt::format("input {} of shape {} is too large", input.name, DimsText(dims)));
  }
  std::vector<std::byte> bytes(static_cast<size_t>(elements * width));
  if (input.dtype == DType::kFloat32) {
    std::minstd_rand random(1);
    for (int64_t i = 0; i < elements; ++i) {
      const float value = static_cast<float>(random() % 4001) * 0.001F - 2.0F;
      std::memcpy(bytes.data() + i * width, &value, sizeof(value));
    }
  }
  return program::Tensor{input.dtype, std::move(dims), {}, program::CopyToBlob(bytes)};
}

}  // namespace

void AddInputFileFlag(Verb& verb, InputOptions& options) {
  verb.Texts({"--input", "NAME=X.npy", "Value of an input; may be repeated"}, options.files);
}

void AddShapeFlags(Verb& verb, InputOptions& options) {
  verb.Texts({"--input_shape", "NAME=1,3,640,640", "Shape of an input; may be repeated"},
             options.shapes);
  verb.Number({"--batch_size", "N", "First extent where the model leaves it free"},
              options.batch_size, int64_t{1}, int64_t{1} << 20);
}

Result<Tensors> ReadInputs(const Session& session, const InputOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto files, ByInput(session, options.files, "--input"));
  Tensors tensors;
  for (const TensorInfo& input : session.inputs()) {
    const auto file = files.find(input.name);
    if (file == files.end()) {
      return InvalidArgument(
          fmt::format("input {} has no value: --input {}=FILE.npy", input.name, input.name));
    }
    SKIFF_ASSIGN_OR_RETURN(program::Tensor tensor, formats::ReadNpy(file->second));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Result<Tensors> MakeInputs(const Session& session, const InputOptions& options,
                           const imaging::Preprocess& preprocess) {
  SKIFF_ASSIGN_OR_RETURN(const auto files, ByInput(session, options.files, "--input"));
  SKIFF_ASSIGN_OR_RETURN(const auto shapes, ByInput(session, options.shapes, "--input_shape"));
  Tensors tensors;
  for (const TensorInfo& input : session.inputs()) {
    if (const auto file = files.find(input.name); file != files.end()) {
      SKIFF_ASSIGN_OR_RETURN(program::Tensor tensor, formats::ReadNpy(file->second));
      tensors.push_back(std::move(tensor));
      continue;
    }
    const auto shape = shapes.find(input.name);
    SKIFF_ASSIGN_OR_RETURN(std::vector<int64_t> dims,
                           shape != shapes.end()
                               ? ParseDims(shape->second)
                               : FreeShape(input, options.batch_size, preprocess));
    SKIFF_ASSIGN_OR_RETURN(program::Tensor tensor, MadeUp(input, std::move(dims)));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Status SetInputs(Session& session, const Tensors& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    SKIFF_RETURN_IF_ERROR(
        session.SetInput(i, tensors[i].dtype, tensors[i].dims, tensors[i].data.bytes.data()));
  }
  return OkStatus();
}

}  // namespace skiff::cli
