// The calibration table: whatever the text, thresholds are positive numbers.
#include <cmath>

#include "formats/calibration_table.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  for (const auto& [name, threshold] :
       formats::ParseCalibrationTable(fuzz::Input(data, size).Text())) {
    fuzz::Require(std::isfinite(threshold) && threshold > 0, "a threshold that is no scale");
  }
  return 0;
}
