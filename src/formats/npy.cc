// "\x93NUMPY" | u8 major | u8 minor | header length, u16 in version 1 and u32 later | header | data
// The header is a Python dict, padded with blanks to a multiple of 64 bytes, ending in a newline:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }
#include "formats/npy.h"

#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/dims.h"
#include "formats/file.h"
#include "formats/limits.h"
#include "program/blob.h"

namespace skiff::formats {
namespace {

using program::Blob;
using program::Tensor;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;
constexpr size_t kMaxHeaderBytes = 64 << 10;

// The types by NumPy's letter and size; the byte order is a separate character before them.
constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"f4", DType::kFloat32}, {"f8", DType::kFloat64}, {"f2", DType::kFloat16},
    {"i8", DType::kInt64},   {"i4", DType::kInt32},   {"i2", DType::kInt16},
    {"i1", DType::kInt8},    {"u1", DType::kUInt8},   {"b1", DType::kBool}};

// Reads the dict of the header: string keys; strings, booleans and tuples of integers as values.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  // False when the text is not such a dict, or one of the three keys is missing.
  bool Parse() {
    if (!Accept('{')) return false;
    while (!Accept('}')) {
      std::string_view key;
      if (!String(&key) || !Accept(':') || !Value(key)) return false;
      if (!Accept(',') && !Peek('}')) return false;
    }
    SkipBlanks();
    return text_.empty() && seen_ == 7;
  }

  [[nodiscard]] std::string_view descr() const { return descr_; }
  [[nodiscard]] bool fortran_order() const { return fortran_order_; }
  [[nodiscard]] const std::vector<int64_t>& shape() const { return shape_; }

 private:
  bool Value(std::string_view key) {
    if (key == "descr") return seen_ |= 1, String(&descr_);
    if (key == "fortran_order") return seen_ |= 2, Boolean(&fortran_order_);
    if (key == "shape") return seen_ |= 4, Tuple(&shape_);
    return false;
  }

  void SkipBlanks() {
    const size_t n = text_.find_first_not_of(" \t\n");
    text_.remove_prefix(n == std::string_view::npos ? text_.size() : n);
  }

  bool Peek(char c) {
    SkipBlanks();
    return text_.starts_with(c);
  }

  bool Accept(char c) {
    if (!Peek(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool String(std::string_view* string) {
    const char quote = Peek('\'') ? '\'' : '"';
    if (!Accept(quote)) return false;
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) return false;
    *string = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }

  bool Boolean(bool* value) {
    SkipBlanks();
    *value = text_.starts_with("True");
    if (!*value && !text_.starts_with("False")) return false;
    text_.remove_prefix(*value ? 4 : 5);
    return true;
  }

  bool Tuple(std::vector<int64_t>* tuple) {
    tuple->clear();
    if (!Accept('(')) return false;
    while (!Accept(')')) {
      SkipBlanks();
      int64_t number = 0;
      const auto result = std::from_chars(text_.data(), text_.data() + text_.size(), number);
      if (result.ec != std::errc() || number < 0) return false;
      text_.remove_prefix(static_cast<size_t>(result.ptr - text_.data()));
      tuple->push_back(number);
      Accept('L');  // Python 2 wrote long integers so
      if (!Accept(',') && !Peek(')')) return false;
    }
    return true;
  }

  std::string_view text_;
  int seen_ = 0;  // a bit for each key
  std::string_view descr_;
  bool fortran_order_ = false;
  std::vector<int64_t> shape_;
};

// The header's text, and where the data begins.
Status FindHeader(std::span<const std::byte> bytes, std::string_view* header, size_t* data) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) return Corruption("is not a .npy file");
  if (text.size() < 12) return Corruption("ends inside the header");
  const int version = text[6];
  if (version < 1 || version > 3) {
    return Unsupported(".npy version " + std::to_string(version) + " is not known");
  }
  size_t length = 0;
  const size_t length_size = version == 1 ? 2 : 4;
  std::memcpy(&length, text.data() + 8, length_size);
  const size_t begin = 8 + length_size;
  if (length > kMaxHeaderBytes || length > text.size() - begin) {
    return Corruption("has a header of " + std::to_string(length) + " bytes");
  }
  *header = text.substr(begin, length);
  *data = begin + length;
  return OkStatus();
}

Status DescribeTensor(std::string_view header, Tensor* tensor) {
  HeaderParser parser(header);
  if (!parser.Parse()) return Corruption("has a header that is not NumPy's");
  const std::string_view descr = parser.descr();
  tensor->dtype = DType::kUndefined;
  for (const auto& [name, dtype] : kTypes) {
    const bool single_byte = SizeOf(dtype) == 1;
    if (descr.size() == 3 && descr.substr(1) == name &&
        (descr[0] == '<' || (single_byte && (descr[0] == '|' || descr[0] == '>')))) {
      tensor->dtype = dtype;
    }
  }
  if (tensor->dtype == DType::kUndefined) {
    return Unsupported("has element type '" + std::string(descr) + "'");
  }
  tensor->dims = parser.shape();
  if (tensor->dims.size() > kMaxRank) {
    return Unsupported("has rank " + std::to_string(tensor->dims.size()) + ", the limit is " +
                       std::to_string(kMaxRank));
  }
  if (parser.fortran_order() && tensor->dims.size() > 1) {
    return Unsupported("is in Fortran order; save it with numpy.ascontiguousarray");
  }
  return OkStatus();
}

Result<Tensor> Parse(const Blob& bytes) {
  Tensor tensor;
  std::string_view header;
  size_t begin = 0;
  SKIFF_RETURN_IF_ERROR(FindHeader(bytes.bytes, &header, &begin));
  SKIFF_RETURN_IF_ERROR(DescribeTensor(header, &tensor));
  const std::span<const std::byte> data = bytes.bytes.subspan(begin);
  const Dims dims(tensor.dims);
  const int64_t elements = dims.Numel();
  uint64_t size = 0;
  if (elements < 0 ||
      __builtin_mul_overflow(static_cast<uint64_t>(elements), SizeOf(tensor.dtype), &size) ||
      size != data.size()) {
    return Corruption("has " + std::to_string(data.size()) + " bytes of data, not those of " +
                      std::string(Name(tensor.dtype)) + " " + dims.ToString());
  }
  const bool viewable = bytes.owner != nullptr &&
                        reinterpret_cast<uintptr_t>(data.data()) % SizeOf(tensor.dtype) == 0;
  tensor.data = viewable ? Blob{bytes.owner, data} : program::CopyToBlob(data);
  return tensor;
}

}  // namespace

Result<Tensor> ParseNpy(const Blob& bytes, std::string_view source) {
  Result<Tensor> tensor = Parse(bytes);
  if (!tensor.ok()) return tensor.status().WithContext(source);
  return tensor;
}

Result<Tensor> ReadNpy(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const Blob file, MapFile(path, kMaxParamsBytes));
  return ParseNpy(file, path);
}

Status WriteNpy(const Tensor& tensor, const std::string& path) {
  std::string header = "{'descr': '";
  for (const auto& [name, dtype] : kTypes) {
    if (dtype != tensor.dtype) continue;
    header += SizeOf(dtype) == 1 ? '|' : '<';
    header += name;
  }
  if (header.back() == '\'') {
    return InvalidArgument(path + ": NumPy has no type " + std::string(Name(tensor.dtype)));
  }
  header += "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    header += (i > 0 ? ", " : "") + std::to_string(tensor.dims[i]);
  }
  header += tensor.dims.size() == 1 ? ",), }" : "), }";
  std::string file(kMagic);
  file.append("\x01\x00", 2);
  const size_t unpadded = file.size() + 2 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  file.append(reinterpret_cast<const char*>(&length), sizeof(length));
  file += header;
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span(file)), tensor.data.bytes};
  return WriteFile(path, parts);
}

}  // namespace skiff::formats
