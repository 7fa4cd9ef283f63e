// Which steps take the images of a batch a few at a time.
//
// A step that passes a whole batch on writes it to memory, and the next one reads it from there.
// Run on a few images after the other, both find it in L2. Weights pay for it: each part of the
// batch fetches them anew. BatchSplitter weighs the two.
//
// Thread-safety: none; each Context has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/caches.h"

namespace skiff::runtime {

// What one step moves.
struct StepTraffic {
  int64_t images = 0;       // of the batch; 0: the step takes all that there is at once
  int64_t input_bytes = 0;  // of the whole batch, like the next
  int64_t output_bytes = 0;
  int64_t weight_bytes = 0;
};

// Steps [begin, end), run one after the other on 1/parts of their images, `parts` times.
struct StepRange {
  size_t begin = 0;
  size_t end = 0;
  int64_t parts = 1;
};

class BatchSplitter {
 public:
  // All steps in their order, in ranges; no part has fewer images than there are threads. `parts`
  // divides the images of every step in its range, and steps of more than one part in one range
  // have the same number of images. Valid until the next call. Allocates nothing that a call like
  // it has allocated before.
  const std::vector<StepRange>& Split(std::span<const StepTraffic> steps, const CacheSizes& caches,
                                      int threads);

 private:
  // The least cost of all steps up to one that takes its images in `parts`.
  struct Choice {
    int64_t parts = 1;
    double cost = 0;
    size_t before = 0;  // the previous step's choice
  };

  void FindChoices(size_t step);
  void ReadCheapest();
  [[nodiscard]] bool Continues(size_t step, int64_t parts_before, int64_t parts) const;
  [[nodiscard]] double Distance(double bytes) const;
  [[nodiscard]] double CostOf(const StepTraffic& step, int64_t parts) const;
  [[nodiscard]] double HandOver(size_t step) const;

  std::span<const StepTraffic> steps_;
  double near_ = 0;
  double far_ = 0;
  int threads_ = 1;
  std::vector<std::vector<Choice>> choices_;  // by step
  std::vector<int64_t> parts_;                // by step
  std::vector<StepRange> ranges_;
};

}  // namespace skiff::runtime
