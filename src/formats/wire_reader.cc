#include "formats/wire_reader.h"

namespace skiff::formats {

std::string WireReader::Where() const {
  std::string where;
  for (const PathStep& step : path_) {
    if (!where.empty()) where += '.';
    where += step.name;
    if (step.index >= 0) where += "[" + std::to_string(step.index) + "]";
  }
  return where;
}

Status WireReader::Fail(const char* name, std::string message) {
  path_.push_back({name, -1});
  return Corruption(std::move(message));
}

Status WireReader::Charge(size_t bytes) {
  if (bytes > budget_) return ResourceExhausted("decoded, the file would take too much memory");
  budget_ -= bytes;
  return OkStatus();
}

Status WireReader::Expect(const Field& field, const char* name, WireType wanted) {
  if (field.wire_type() == wanted) return OkStatus();
  return Fail(name, "has protobuf wire type " +
                        std::to_string(static_cast<uint32_t>(field.wire_type())) + ", not " +
                        std::to_string(static_cast<uint32_t>(wanted)));
}

Status WireReader::View(Field& field, const char* name, std::string_view* view) {
  SKIFF_RETURN_IF_ERROR(Expect(field, name, WireType::length_delimited));
  const protozero::data_view data = field.get_view();
  *view = std::string_view(data.data(), data.size());
  return OkStatus();
}

Status WireReader::String(Field& field, const char* name, size_t max_bytes, std::string* value) {
  std::string_view view;
  SKIFF_RETURN_IF_ERROR(View(field, name, &view));
  if (view.size() > max_bytes) {
    return Fail(name, "has " + std::to_string(view.size()) + " characters, the limit is " +
                          std::to_string(max_bytes));
  }
  SKIFF_RETURN_IF_ERROR(Charge(view.size()));
  value->assign(view);
  return OkStatus();
}

}  // namespace skiff::formats
