#include "formats/calibration_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "formats/file.h"
#include "formats/limits.h"

namespace skiff::formats {
namespace {

// The number that `text` begins with; 0 when it begins with none. Not strtod, which follows the
// user's locale.
double LeadingNumber(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : 0;
}

}  // namespace

CalibrationTable ParseCalibrationTable(std::string_view text) {
  CalibrationTable table;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const double threshold = LeadingNumber(line.substr(blank + 1));
    if (!std::isfinite(threshold) || threshold <= 0) continue;
    table.insert_or_assign(std::string(line.substr(0, blank)), threshold);
  }
  return table;
}

Result<CalibrationTable> ReadCalibrationTable(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const program::Blob file, MapFile(path, kMaxTextBytes));
  CalibrationTable table =
      ParseCalibrationTable({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
  if (table.empty()) {
    return Corruption(path + ": has no line \"<tensor name> <threshold>\"");
  }
  return table;
}

}  // namespace skiff::formats
