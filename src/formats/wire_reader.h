// WireReader: what the decoders of protobuf messages share: typed fields with their wire types
// checked, raw bytes of unknown fields, the path of the field being read, and a bound on memory.
//
// A getter returns a Status; protozero throws on bytes that are not protobuf at all, which the
// owner catches at its edge. In both cases Where() then says which field was at fault.
// Thread-safety: none. Ownership: the bytes being read must outlive the reader's calls.
#pragma once

#include <cstdint>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/status.h"

namespace skiff::formats {

class WireReader {
 public:
  using Field = protozero::pbf_reader;  // positioned on a field
  using WireType = protozero::pbf_wire_type;

  // `budget` bounds the memory that decoded messages may take (see Charge).
  explicit WireReader(size_t budget) : budget_(budget) {}

  // "blocks[0].ops[12].type", or "" at the top level.
  [[nodiscard]] std::string Where() const;

  // Calls on_field(field, known) for each field of `message`; on_field reads the field, or sets
  // *known to false without reading it, and it is appended to `unknown` raw.
  template <typename OnField>
  Status ForEachField(std::string_view message, std::string* unknown, const OnField& on_field) {
    Field field(message.data(), message.size());
    for (;;) {
      const char* begin = field.data().data();
      if (!field.next()) return OkStatus();
      bool known = true;
      SKIFF_RETURN_IF_ERROR(on_field(field, &known));
      if (known) continue;
      field.skip();
      const auto size = static_cast<size_t>(field.data().data() - begin);
      SKIFF_RETURN_IF_ERROR(Charge(size));
      unknown->append(begin, size);
    }
  }

  // Runs fn with "name[index]" (or "name", index -1) on the path; the path stays when fn fails.
  template <typename Fn>
  Status Within(const char* name, int64_t index, const Fn& fn) {
    path_.push_back({name, index});
    SKIFF_RETURN_IF_ERROR(fn());
    path_.pop_back();
    return OkStatus();
  }

  // A corruption at the field `name` of the current message.
  Status Fail(const char* name, std::string message);
  // Accounts for `bytes` of memory that the decoded form takes.
  Status Charge(size_t bytes);

  // A nested message, or the bytes of a string, not copied.
  Status View(Field& field, const char* name, std::string_view* view);
  Status String(Field& field, const char* name, size_t max_bytes, std::string* value);

  // bool, int32_t, int64_t from a varint; float and double from fixed32 and fixed64. As protobuf
  // has it, a varint too wide for the field loses its upper bits.
  template <typename T>
  Status Number(Field& field, const char* name, T* value) {
    SKIFF_RETURN_IF_ERROR(Expect(field, name, kWireTypeOf<T>));
    *value = Get<T>(field);
    return OkStatus();
  }

  // One element of a repeated number, or several when the file has them packed; appended.
  template <typename T>
  Status Numbers(Field& field, const char* name, std::vector<T>* values) {
    if (field.wire_type() != WireType::length_delimited) {
      T value;
      SKIFF_RETURN_IF_ERROR(Number(field, name, &value));
      SKIFF_RETURN_IF_ERROR(Charge(sizeof(T)));
      values->push_back(value);
      return OkStatus();
    }
    const protozero::data_view packed = field.get_view();
    const char* p = packed.data();
    const char* end = p + packed.size();
    if (kWireTypeOf<T> != WireType::varint && packed.size() % sizeof(T) != 0) {
      return Fail(name, "packed list has " + std::to_string(packed.size()) + " bytes");
    }
    while (p != end) {
      SKIFF_RETURN_IF_ERROR(Charge(sizeof(T)));
      values->push_back(TakePacked<T>(&p, end));
    }
    return OkStatus();
  }

 private:
  struct PathStep {
    const char* name;
    int64_t index;
  };

  template <typename T>
  static constexpr WireType kWireTypeOf = std::is_same_v<T, float>    ? WireType::fixed32
                                          : std::is_same_v<T, double> ? WireType::fixed64
                                                                      : WireType::varint;

  template <typename T>
  static T FromVarint(uint64_t bits) {
    if constexpr (std::is_same_v<T, bool>) return bits != 0;
    return static_cast<T>(bits);
  }

  template <typename T>
  static T Get(Field& field) {
    if constexpr (std::is_same_v<T, float>) {
      return field.get_float();
    } else if constexpr (std::is_same_v<T, double>) {
      return field.get_double();
    } else {
      // Not get_bool(), which reads a byte before it checks that there is one.
      return FromVarint<T>(field.get_uint64());
    }
  }

  template <typename T>
  static T TakePacked(const char** p, const char* end) {
    if constexpr (kWireTypeOf<T> == WireType::varint) {
      return FromVarint<T>(protozero::decode_varint(p, end));
    } else {
      T value;  // the wire is little-endian, as every x86 is
      std::memcpy(&value, *p, sizeof(T));
      *p += sizeof(T);
      return value;
    }
  }

  Status Expect(const Field& field, const char* name, WireType wanted);

  std::vector<PathStep> path_;
  size_t budget_;
};

}  // namespace skiff::formats
