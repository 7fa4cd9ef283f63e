// Reads a calibration table: the text file of activation thresholds that PaddleSlim 2.3 wrote and
// that Config::SetCalibrationFilePath takes (docs/formats.md).
//
// Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skiff::formats {

// Tensor name to threshold, the absolute value that stands for code 127.
using CalibrationTable = std::map<std::string, double, std::less<>>;

// Lines "<name> <threshold>", later ones win. Lines that say nothing, without a blank or with a
// threshold that is no positive number, are skipped as Paddle does.
CalibrationTable ParseCalibrationTable(std::string_view text);

// The same from a file. A file without a single threshold is an error.
Result<CalibrationTable> ReadCalibrationTable(const std::string& path);

}  // namespace skiff::formats
