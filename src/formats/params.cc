// A record, little-endian:
//   u32 version = 0 | u64 LoD levels | per level: u64 bytes, then that many bytes of u64 offsets
//   u32 tensor version = 0 | i32 size of the TensorDesc | TensorDesc, protobuf | raw data
// A combined file is its records one after the other, with neither names nor padding.
#include "formats/params.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/dims.h"
#include "formats/file.h"
#include "formats/limits.h"
#include "formats/program_fields.h"
#include "formats/wire_reader.h"
#include "program/blob.h"

namespace skiff::formats {
namespace {

using program::Blob;
using program::Program;
using program::Tensor;
using Bytes = std::span<const std::byte>;

constexpr size_t kMaxTensorDescBytes = 1024;

std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Status DecodeTensorDesc(WireReader& wire, std::string_view message, Tensor* tensor) {
  std::optional<int32_t> data_type;
  std::string ignored;
  SKIFF_RETURN_IF_ERROR(
      wire.ForEachField(message, &ignored, [&](WireReader::Field& field, bool* known) -> Status {
        switch (field.tag()) {
          case field::tensor_desc::kDataType:
            return wire.Number(field, "data_type", &data_type.emplace());
          case field::tensor_desc::kDims: return wire.Numbers(field, "dims", &tensor->dims);
          default: *known = false; return OkStatus();
        }
      }));
  if (!data_type) return Corruption("has no data type");
  tensor->dtype = static_cast<DType>(*data_type);
  if (SizeOf(tensor->dtype) == 0) {
    return Unsupported("has data type " + std::to_string(*data_type) +
                       ", which Skiff does not read");
  }
  if (tensor->dims.size() > kMaxRank) {
    return Unsupported("has rank " + std::to_string(tensor->dims.size()) + ", the limit is " +
                       std::to_string(kMaxRank));
  }
  return OkStatus();
}

// Reads records off the front of a stretch of bytes.
class RecordReader {
 public:
  // Tensors view `bytes.bytes` where they can if `bytes.owner` keeps it alive, else copy.
  explicit RecordReader(const Blob& bytes) : owner_(bytes.owner), rest_(bytes.bytes) {}

  [[nodiscard]] size_t remaining() const { return rest_.size(); }

  Status Read(Tensor* tensor) {
    SKIFF_RETURN_IF_ERROR(ReadVersion("record"));
    SKIFF_RETURN_IF_ERROR(ReadLod(&tensor->lod));
    SKIFF_RETURN_IF_ERROR(ReadVersion("tensor"));
    SKIFF_RETURN_IF_ERROR(ReadDesc(tensor));
    return ReadData(tensor);
  }

 private:
  Status Take(uint64_t size, std::string_view what, Bytes* taken) {
    if (size > rest_.size()) {
      return Corruption("ends inside a record: " + std::string(what) + " needs " +
                        std::to_string(size) + " bytes, " + std::to_string(rest_.size()) +
                        " are left");
    }
    *taken = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return OkStatus();
  }

  template <typename T>
  Status TakeNumber(std::string_view what, T* number) {
    Bytes taken;
    SKIFF_RETURN_IF_ERROR(Take(sizeof(T), what, &taken));
    std::memcpy(number, taken.data(), sizeof(T));
    return OkStatus();
  }

  Status ReadVersion(std::string_view of) {
    uint32_t version = 0;
    SKIFF_RETURN_IF_ERROR(TakeNumber("a version", &version));
    if (version == 0) return OkStatus();
    return Corruption(std::string(of) + " version is " + std::to_string(version) +
                      ", expected 0: not a parameter, or out of step with the program");
  }

  Status ReadLod(std::vector<std::vector<uint64_t>>* lod) {
    uint64_t levels = 0;
    SKIFF_RETURN_IF_ERROR(TakeNumber("the number of LoD levels", &levels));
    if (levels > kMaxLodLevels) {
      return Corruption("has " + std::to_string(levels) + " LoD levels, the limit is " +
                        std::to_string(kMaxLodLevels));
    }
    for (uint64_t level = 0; level < levels; ++level) {
      uint64_t size = 0;
      Bytes offsets;
      SKIFF_RETURN_IF_ERROR(TakeNumber("the size of a LoD level", &size));
      SKIFF_RETURN_IF_ERROR(Take(size, "a LoD level", &offsets));
      if (size % sizeof(uint64_t) != 0) return Corruption("a LoD level is no list of offsets");
      auto& list = lod->emplace_back(offsets.size() / sizeof(uint64_t));
      if (!list.empty()) std::memcpy(list.data(), offsets.data(), offsets.size());
    }
    return OkStatus();
  }

  Status ReadDesc(Tensor* tensor) {
    int32_t size = 0;
    SKIFF_RETURN_IF_ERROR(TakeNumber("the size of the tensor description", &size));
    if (size < 0 || static_cast<size_t>(size) > kMaxTensorDescBytes) {
      return Corruption("the tensor description has " + std::to_string(size) + " bytes");
    }
    Bytes message;
    SKIFF_RETURN_IF_ERROR(Take(static_cast<uint64_t>(size), "the tensor description", &message));
    WireReader wire(64 * kMaxTensorDescBytes);
    try {
      return DecodeTensorDesc(wire, AsText(message), tensor).WithContext("tensor description");
    } catch (const std::exception& e) {
      return Corruption(std::string("tensor description: not a protobuf message: ") + e.what());
    }
  }

  Status ReadData(Tensor* tensor) {
    const int64_t elements = Dims(tensor->dims).Numel();
    uint64_t size = 0;
    if (elements < 0 ||
        __builtin_mul_overflow(static_cast<uint64_t>(elements), SizeOf(tensor->dtype), &size)) {
      return Corruption("has dims " + Dims(tensor->dims).ToString());
    }
    Bytes data;
    SKIFF_RETURN_IF_ERROR(Take(size, "data of dims " + Dims(tensor->dims).ToString(), &data));
    const auto address = reinterpret_cast<uintptr_t>(data.data());
    const bool viewable = owner_ != nullptr && address % SizeOf(tensor->dtype) == 0;
    tensor->data = viewable ? Blob{owner_, data} : program::CopyToBlob(data);
    return OkStatus();
  }

  std::shared_ptr<const void> owner_;
  Bytes rest_;
};

Status ReadCombined(const Blob& bytes, std::string_view source, Program* program) {
  const std::vector<std::string> names = program::ParameterNames(*program);
  RecordReader reader(bytes);
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t offset = bytes.bytes.size() - reader.remaining();
    Tensor tensor;
    const Status status = reader.Read(&tensor);
    if (!status.ok()) {
      return status.WithContext(std::string(source) + ": parameter " + std::to_string(i + 1) +
                                " of " + std::to_string(names.size()) + " (" + names[i] +
                                ") at byte " + std::to_string(offset));
    }
    program->params[names[i]] = std::move(tensor);
  }
  if (reader.remaining() > 0) {
    return Corruption(std::string(source) + ": " + std::to_string(reader.remaining()) +
                      " bytes follow the last of the program's " + std::to_string(names.size()) +
                      " parameters: program and parameters do not belong together");
  }
  program->params_layout =
      names.empty() ? program::ParamsLayout::kNone : program::ParamsLayout::kCombined;
  return OkStatus();
}

// A parameter's name is a path below the folder, and must not lead out of it.
Result<std::string> SeparatePath(const std::string& folder, const std::string& name) {
  bool inside = !name.empty() && name.find('\0') == std::string::npos;
  for (size_t begin = 0; inside && begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    inside = !part.empty() && part != "." && part != "..";
    begin = end + 1;
  }
  if (!inside) return InvalidArgument("parameter name \"" + name + "\" is not a file name");
  return folder + "/" + name;
}

std::string EncodeHeader(const Tensor& tensor) {
  std::string desc;
  protozero::pbf_writer writer(desc);
  writer.add_enum(field::tensor_desc::kDataType, static_cast<int32_t>(tensor.dtype));
  for (const int64_t d : tensor.dims) writer.add_int64(field::tensor_desc::kDims, d);

  std::string header;
  const auto put = [&header](auto number) {
    header.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  put(uint32_t{0});
  put(uint64_t{tensor.lod.size()});
  for (const auto& level : tensor.lod) {
    put(uint64_t{level.size() * sizeof(uint64_t)});
    for (const uint64_t offset : level) put(offset);
  }
  put(uint32_t{0});
  put(static_cast<int32_t>(desc.size()));
  return header + desc;
}

Status CheckWritable(const std::string& name, const Tensor& tensor) {
  if (tensor.dims.size() > kMaxRank) return InvalidArgument("parameter " + name + ": rank above 8");
  const Dims dims(tensor.dims);
  const int64_t elements = dims.Numel();
  if (elements < 0 || SizeOf(tensor.dtype) == 0 ||
      static_cast<uint64_t>(elements) * SizeOf(tensor.dtype) != tensor.data.bytes.size()) {
    return InvalidArgument("parameter " + name + ": " + std::to_string(tensor.data.bytes.size()) +
                           " bytes are no " + std::string(Name(tensor.dtype)) + " of dims " +
                           dims.ToString());
  }
  return OkStatus();
}

// The tensors in file order.
Status CollectTensors(const Program& program,
                      std::vector<std::pair<std::string, const Tensor*>>* tensors) {
  for (const std::string& name : program::ParameterNames(program)) {
    const auto it = program.params.find(name);
    if (it == program.params.end()) return InvalidArgument("parameter " + name + " has no tensor");
    SKIFF_RETURN_IF_ERROR(CheckWritable(name, it->second));
    tensors->emplace_back(name, &it->second);
  }
  if (tensors->size() == program.params.size()) return OkStatus();
  return InvalidArgument("the program has " + std::to_string(program.params.size()) +
                         " tensors for " + std::to_string(tensors->size()) +
                         " persistable variables");
}

}  // namespace

Status ReadCombinedParams(Bytes bytes, std::string_view source, Program* program) {
  return ReadCombined({nullptr, bytes}, source, program);
}

Status ReadCombinedParams(const std::string& path, Program* program) {
  Result<Blob> file = MapFile(path, kMaxParamsBytes);
  if (!file.ok()) {
    const bool needed = !program::ParameterNames(*program).empty();
    if (file.status().code() == StatusCode::kNotFound && !needed) return OkStatus();
    return file.status();
  }
  return ReadCombined(*file, path, program);
}

Status ReadSeparateParams(const std::string& folder, Program* program) {
  for (const std::string& name : program::ParameterNames(*program)) {
    Result<std::string> path = SeparatePath(folder, name);
    if (!path.ok()) return path.status().WithContext(program->source);
    SKIFF_ASSIGN_OR_RETURN(const Blob file, MapFile(*path, kMaxParamsBytes));
    SKIFF_ASSIGN_OR_RETURN(program->params[name], ReadTensorRecord(file, *path));
    program->params_layout = program::ParamsLayout::kSeparate;
  }
  return OkStatus();
}

Result<Tensor> ReadTensorRecord(const Blob& bytes, std::string_view source) {
  RecordReader reader(bytes);
  Tensor tensor;
  const Status status = reader.Read(&tensor);
  if (!status.ok()) return status.WithContext(source);
  if (reader.remaining() > 0) {
    return Corruption(std::string(source) + ": " + std::to_string(reader.remaining()) +
                      " bytes follow the tensor");
  }
  return tensor;
}

Status WriteCombinedParams(const Program& program, const std::string& path) {
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  SKIFF_RETURN_IF_ERROR(CollectTensors(program, &tensors).WithContext(path));
  std::vector<std::string> headers;
  for (const auto& [name, tensor] : tensors) headers.push_back(EncodeHeader(*tensor));
  std::vector<Bytes> parts;
  for (size_t i = 0; i < tensors.size(); ++i) {
    parts.push_back(std::as_bytes(std::span(headers[i])));
    parts.push_back(tensors[i].second->data.bytes);
  }
  return WriteFile(path, parts);
}

Status WriteSeparateParams(const Program& program, const std::string& folder) {
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  SKIFF_RETURN_IF_ERROR(CollectTensors(program, &tensors).WithContext(folder));
  for (const auto& [name, tensor] : tensors) {
    SKIFF_ASSIGN_OR_RETURN(const std::string path, SeparatePath(folder, name));
    const std::string header = EncodeHeader(*tensor);
    const Bytes parts[] = {std::as_bytes(std::span(header)), tensor->data.bytes};
    std::error_code ignored;  // a folder that cannot be made shows when the file is written
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    SKIFF_RETURN_IF_ERROR(WriteFile(path, parts));
  }
  return OkStatus();
}

}  // namespace skiff::formats
