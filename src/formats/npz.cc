// A zip archive: files one after the other, each behind a local header, then the central directory,
// a record for each file, then the end record, which says where the directory is. All little
// endian.
//   local header   u32 "PK\3\4" ... u16 name length at 26, u16 extra length at 28, name, extra,
//   data directory      u32 "PK\1\2" ... u16 flags at 8, u16 method at 10, u32 crc at 16, u32
//   packed size
//                  at 20, u32 size at 24, u16 lengths of name, extra, comment at 28, 30, 32,
//                  u32 offset of the local header at 42, name, extra, comment
//   end record     u32 "PK\5\6" ... u16 files at 10, u32 directory's size at 12 and offset at 16
// Where a field is all ones its value stands in the extra field 1 (sizes, offset), or in a second
// end record that a locator in front of the first one points to (zip64).
#include "formats/npz.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "formats/file.h"
#include "formats/limits.h"
#include "formats/npy.h"

namespace skiff::formats {
namespace {

using program::Blob;
using Bytes = std::span<const std::byte>;

constexpr size_t kEndSize = 22;
constexpr size_t kMaxComment = 65'535;
constexpr size_t kMaxFiles = 4096;
constexpr uint32_t kAllOnes32 = 0xFFFFFFFF;
constexpr uint16_t kAllOnes16 = 0xFFFF;
// Deflate makes nothing more than this much smaller.
constexpr uint64_t kMostPacked = 1032;

struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed = 0;
  uint64_t size = 0;
  uint64_t header = 0;  // offset of the local header
};

template <typename T>
T Load(Bytes bytes, size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

class Archive {
 public:
  explicit Archive(const Blob& file) : file_(file), bytes_(file.bytes) {}

  Result<NamedTensors> Read() {
    SKIFF_RETURN_IF_ERROR(FindDirectory());
    NamedTensors tensors;
    for (uint64_t i = 0; i < files_; ++i) {
      SKIFF_ASSIGN_OR_RETURN(const Entry entry, NextEntry());
      Result<Blob> data = Data(entry);
      if (!data.ok()) return data.status().WithContext(entry.name);
      SKIFF_ASSIGN_OR_RETURN(program::Tensor tensor, ParseNpy(*data, entry.name));
      std::string name = entry.name;
      if (name.ends_with(".npy")) name.resize(name.size() - 4);
      tensors.emplace_back(std::move(name), std::move(tensor));
    }
    return tensors;
  }

 private:
  Status FindDirectory() {
    if (bytes_.size() < kEndSize) return Corruption("is not a .npz file");
    const size_t last = bytes_.size() - kEndSize;
    const size_t first = last > kMaxComment ? last - kMaxComment : 0;
    for (size_t at = last + 1; at-- > first;) {
      if (Load<uint32_t>(bytes_, at) != 0x06054b50) continue;
      files_ = Load<uint16_t>(bytes_, at + 10);
      next_ = Load<uint32_t>(bytes_, at + 16);
      if (files_ == kAllOnes16 || next_ == kAllOnes32) SKIFF_RETURN_IF_ERROR(FindZip64(at));
      if (files_ > kMaxFiles) {
        return ResourceExhausted("holds " + std::to_string(files_) + " files, the limit is " +
                                 std::to_string(kMaxFiles));
      }
      return OkStatus();
    }
    return Corruption("is not a .npz file");
  }

  Status FindZip64(size_t end) {
    constexpr size_t kLocator = 20;
    constexpr size_t kEnd64 = 56;
    if (end < kLocator || Load<uint32_t>(bytes_, end - kLocator) != 0x07064b50) {
      return Corruption("has no zip64 locator");
    }
    const auto at = Load<uint64_t>(bytes_, end - kLocator + 8);
    if (!Fits(at, kEnd64) || Load<uint32_t>(bytes_, at) != 0x06064b50) {
      return Corruption("has no zip64 end record");
    }
    files_ = Load<uint64_t>(bytes_, at + 32);
    next_ = Load<uint64_t>(bytes_, at + 48);
    return OkStatus();
  }

  [[nodiscard]] bool Fits(uint64_t at, uint64_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }

  Result<Entry> NextEntry() {
    constexpr size_t kFixed = 46;
    if (!Fits(next_, kFixed) || Load<uint32_t>(bytes_, next_) != 0x02014b50) {
      return Corruption("has a damaged directory");
    }
    const Bytes record = bytes_.subspan(next_);
    const size_t name = Load<uint16_t>(record, 28);
    const size_t extra = Load<uint16_t>(record, 30);
    const size_t comment = Load<uint16_t>(record, 32);
    if (kFixed + name + extra + comment > record.size()) {
      return Corruption("has a damaged directory");
    }
    Entry entry;
    entry.name.assign(reinterpret_cast<const char*>(record.data()) + kFixed, name);
    entry.flags = Load<uint16_t>(record, 8);
    entry.method = Load<uint16_t>(record, 10);
    entry.crc = Load<uint32_t>(record, 16);
    entry.packed = Load<uint32_t>(record, 20);
    entry.size = Load<uint32_t>(record, 24);
    entry.header = Load<uint32_t>(record, 42);
    ReadZip64(record.subspan(kFixed + name, extra), &entry);
    next_ += kFixed + name + extra + comment;
    return entry;
  }

  // The 64-bit values of the fields that are all ones, in this order.
  static void ReadZip64(Bytes extra, Entry* entry) {
    while (extra.size() >= 4) {
      const auto id = Load<uint16_t>(extra, 0);
      const size_t size = std::min<size_t>(Load<uint16_t>(extra, 2), extra.size() - 4);
      Bytes values = extra.subspan(4, size);
      extra = extra.subspan(4 + size);
      if (id != 1) continue;
      for (uint64_t* field : {&entry->size, &entry->packed, &entry->header}) {
        if (*field != kAllOnes32 || values.size() < 8) continue;
        *field = Load<uint64_t>(values, 0);
        values = values.subspan(8);
      }
    }
  }

  Result<Blob> Data(const Entry& entry) const {
    constexpr size_t kFixed = 30;
    if ((entry.flags & 1) != 0) return Unsupported("is encrypted");
    if (!Fits(entry.header, kFixed) || Load<uint32_t>(bytes_, entry.header) != 0x04034b50) {
      return Corruption("has no local header");
    }
    const uint64_t begin = entry.header + kFixed + Load<uint16_t>(bytes_, entry.header + 26) +
                           Load<uint16_t>(bytes_, entry.header + 28);
    if (!Fits(begin, entry.packed)) return Corruption("ends early");
    const Bytes packed = bytes_.subspan(begin, entry.packed);
    Blob data;
    if (entry.method == 0 && entry.packed == entry.size) {
      data = {file_.owner, packed};
    } else if (entry.method == 8) {
      SKIFF_ASSIGN_OR_RETURN(data, Inflate(packed, entry.size));
    } else {
      return Unsupported("is packed by method " + std::to_string(entry.method));
    }
    if (Crc(data.bytes) != entry.crc) return Corruption("is damaged: its checksum is another");
    return data;
  }

  static Result<Blob> Inflate(Bytes packed, uint64_t size) {
    if (size > kMaxParamsBytes || size > packed.size() * kMostPacked + kMostPacked) {
      return Corruption("cannot be of " + std::to_string(size) + " bytes");
    }
    auto data = std::make_shared<std::vector<std::byte>>(size);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return ResourceExhausted("zlib has no memory");
    int result = Z_OK;
    size_t read = 0;
    size_t written = 0;
    constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
    while (result == Z_OK && (read < packed.size() || stream.avail_in > 0)) {
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + read));
      stream.avail_in = static_cast<uInt>(std::min(packed.size() - read, kPiece));
      stream.next_out = reinterpret_cast<Bytef*>(data->data() + written);
      stream.avail_out = static_cast<uInt>(std::min<size_t>(size - written, kPiece));
      const uInt in = stream.avail_in;
      const uInt out = stream.avail_out;
      result = inflate(&stream, Z_NO_FLUSH);
      read += in - stream.avail_in;
      written += out - stream.avail_out;
    }
    inflateEnd(&stream);
    if (result != Z_STREAM_END || written != size) return Corruption("cannot be unpacked");
    const Bytes bytes = *data;
    return Blob{std::move(data), bytes};
  }

  static uint32_t Crc(Bytes bytes) {
    return static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }

  const Blob& file_;
  Bytes bytes_;
  uint64_t files_ = 0;
  uint64_t next_ = 0;  // offset of the next record of the directory
};

}  // namespace

Result<NamedTensors> ParseNpz(const Blob& bytes, std::string_view source) {
  Result<NamedTensors> tensors = Archive(bytes).Read();
  if (!tensors.ok()) return tensors.status().WithContext(source);
  return tensors;
}

Result<NamedTensors> ReadNpz(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const Blob file, MapFile(path, kMaxParamsBytes));
  return ParseNpz(file, path);
}

}  // namespace skiff::formats
