#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "imaging/preprocess.h"

namespace skiff::imaging {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxJsonBytes = size_t{1} << 20;

Status WrongType(const std::string& key, std::string_view wanted) {
  return InvalidArgument("\"" + key + "\" must be " + std::string(wanted));
}

Status ReadInt(const std::string& key, const Json& value, int& out) {
  const auto fits = [](int64_t v) {
    return v >= std::numeric_limits<int>::min() && v <= std::numeric_limits<int>::max();
  };
  if (!value.is_number_integer() || !fits(value.get<int64_t>())) {
    return WrongType(key, "an integer");
  }
  out = value.get<int>();
  return OkStatus();
}

Status ReadTriple(const std::string& key, const Json& value, std::array<float, 3>& out) {
  if (!value.is_array() || value.size() != out.size()) return WrongType(key, "3 numbers");
  for (size_t i = 0; i < out.size(); ++i) {
    if (!value[i].is_number()) return WrongType(key, "3 numbers");
    out[i] = value[i].get<float>();
  }
  return OkStatus();
}

Status ReadSize(const std::string& key, const Json& value, Preprocess& out) {
  if (!value.is_array() || value.size() != 2) return WrongType(key, "[height, width]");
  SKIFF_RETURN_IF_ERROR(ReadInt(key, value[0], out.resize_height));
  return ReadInt(key, value[1], out.resize_width);
}

Status ReadField(const std::string& key, const Json& value, Preprocess& out) {
  if (key == "resize_short") return ReadInt(key, value, out.resize_short);
  if (key == "resize") return ReadSize(key, value, out);
  if (key == "crop_size") return ReadInt(key, value, out.crop_size);
  if (key == "label_offset") return ReadInt(key, value, out.label_offset);
  if (key == "mean") return ReadTriple(key, value, out.mean);
  if (key == "std") return ReadTriple(key, value, out.std);
  if (key == "scale") {
    if (!value.is_number()) return WrongType(key, "a number");
    out.scale = value.get<float>();
    return OkStatus();
  }
  if (key == "interpolation" || key == "channel_order") {
    if (!value.is_string()) return WrongType(key, "a string");
    const std::string& name = value.get_ref<const std::string&>();
    if (key == "interpolation") {
      SKIFF_ASSIGN_OR_RETURN(out.interpolation, ParseInterpolation(name));
    } else {
      SKIFF_ASSIGN_OR_RETURN(out.channel_order, ParseChannelOrder(name));
    }
    return OkStatus();
  }
  return InvalidArgument("unknown key \"" + key + "\"");
}

}  // namespace

Result<Preprocess> ParsePreprocessJson(std::string_view text) {
  // Depth is what a hostile file could exhaust; a real one has two levels.
  const auto shallow = [](int depth, Json::parse_event_t, const Json&) { return depth <= 8; };
  const Json json = Json::parse(text, shallow, /*allow_exceptions=*/false);
  if (!json.is_object()) return Corruption("not a JSON object");
  Preprocess preprocess;
  for (const auto& [key, value] : json.items()) {
    SKIFF_RETURN_IF_ERROR(ReadField(key, value, preprocess));
  }
  SKIFF_RETURN_IF_ERROR(Validate(preprocess));
  return preprocess;
}

Result<Preprocess> ReadPreprocessJson(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(path + ": " + std::strerror(errno));
  std::string text(kMaxJsonBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxJsonBytes) return ResourceExhausted(path + ": larger than 1 MiB");
  Result<Preprocess> preprocess = ParsePreprocessJson(text);
  if (!preprocess.ok()) return preprocess.status().WithContext(path);
  return preprocess;
}

}  // namespace skiff::imaging
