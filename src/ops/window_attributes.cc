#include "ops/window_attributes.h"

#include <algorithm>
#include <string>
#include <vector>

namespace skiff::ops {

Result<Padding> ReadPadding(program::AttributeReader& attributes) {
  Padding padding;
  const std::string algorithm = attributes.String("padding_algorithm", "EXPLICIT");
  const std::vector<int64_t> values = attributes.Ints("paddings", {0, 0});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (algorithm == "SAME") {
    padding.rule = steps::PaddingRule::kSame;
  } else if (algorithm == "VALID") {
    padding.rule = steps::PaddingRule::kValid;
  } else if (algorithm != "EXPLICIT" && !algorithm.empty()) {
    return Unsupported("padding_algorithm " + algorithm);
  }
  if (padding.rule != steps::PaddingRule::kExplicit) return padding;
  if (values.size() == 2) {
    padding.pads = {values[0], values[0], values[1], values[1]};
  } else if (values.size() == 4) {
    std::copy(values.begin(), values.end(), padding.pads.begin());
  } else {
    return InvalidArgument("paddings has " + std::to_string(values.size()) +
                           " values instead of 2 or 4");
  }
  if (*std::min_element(padding.pads.begin(), padding.pads.end()) < 0) {
    return InvalidArgument("paddings has a negative value");
  }
  return padding;
}

Result<std::array<int64_t, 2>> ReadPair(program::AttributeReader& attributes, std::string_view name,
                                        int64_t fallback, int64_t minimum) {
  const std::vector<int64_t> values = attributes.Ints(name, {fallback, fallback});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (values.size() != 2 || values[0] < minimum || values[1] < minimum) {
    return InvalidArgument(std::string(name) + " must be two values of at least " +
                           std::to_string(minimum));
  }
  return std::array<int64_t, 2>{values[0], values[1]};
}

Status RequireChannelsFirst(program::AttributeReader& attributes) {
  const std::string format = attributes.String("data_format", "NCHW");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (format == "NCHW" || format == "AnyLayout" || format.empty()) return OkStatus();
  return Unsupported("data_format " + format + "; export the model with data_format NCHW");
}

}  // namespace skiff::ops
