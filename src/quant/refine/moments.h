// Moments: what a pass over the data tells about a layer as a matrix product: means and second
// moments of its patches, and their products with the outputs that are wanted.
//
// Memory does not grow with the rows: they are gathered in a block of kRows and added up. Used by
// one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "quant/refine/patches.h"

namespace skiff::quant {

class Moments {
 public:
  // `second`: also the second moments; otherwise the means alone.
  Moments(const Patches& patches, bool second);
  // Bytes that an object of these arguments holds.
  static size_t Bytes(const Patches& patches, bool second);

  // Where the next row goes; call Commit when both are filled.
  [[nodiscard]] float* patch();
  [[nodiscard]] float* output();
  Status Commit(int threads);

  // After the last row: sums become means. `centred`: second moments about the means.
  Status Finish(bool centred, int threads);
  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] const std::vector<double>& patch_mean() const { return patch_mean_; }
  [[nodiscard]] const std::vector<double>& output_mean() const { return output_mean_; }
  // Of a group: [length, length] and [outputs, length].
  [[nodiscard]] float* gram(int64_t group);
  [[nodiscard]] float* cross(int64_t group);

 private:
  static constexpr int64_t kRows = 256;

  Status Flush(int threads);
  Status AddSmallGroups();
  Status AddLargeGroups(int threads);
  void Centre();

  int64_t groups_;
  int64_t outputs_;
  int64_t length_;
  bool second_;
  int64_t rows_ = 0;
  int64_t filled_ = 0;
  std::vector<float> patches_;  // [kRows, groups * length]
  std::vector<float> wanted_;   // [kRows, groups * outputs]
  std::vector<float> gram_;     // [groups, length, length]
  std::vector<float> cross_;    // [groups, outputs, length]
  std::vector<double> patch_mean_;
  std::vector<double> output_mean_;
};

}  // namespace skiff::quant
