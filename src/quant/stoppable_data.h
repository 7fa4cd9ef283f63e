// StoppableData: calibration data that ends the work when the caller wants it to: every loop over
// batches is a safe point.
//
// Data and options must outlive it; used by one thread.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/status.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// An error when the caller wants the work to end.
inline Status GoOn(const QuantizeOptions& options) {
  return options.go_on ? options.go_on() : OkStatus();
}

class StoppableData final : public CalibrationData {
 public:
  StoppableData(CalibrationData& data, const QuantizeOptions& options)
      : data_(data), options_(options), batches_(data.batches()) {}

  // From now on there are no more batches than these.
  void UseFirst(int64_t batches) { batches_ = std::min(batches_, batches); }

  [[nodiscard]] int64_t batches() const override { return batches_; }
  Result<std::vector<TensorView>> Batch(int64_t index) override {
    SKIFF_RETURN_IF_ERROR(GoOn(options_));
    return data_.Batch(index);
  }
  Result<std::string> Fingerprint() override { return data_.Fingerprint(); }

 private:
  CalibrationData& data_;
  const QuantizeOptions& options_;
  int64_t batches_;
};

}  // namespace skiff::quant
