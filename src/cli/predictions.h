// What a classifier said of a list of pictures, how right that is, and how two of them agree.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/text.h"

namespace skiff::cli {

struct Sample {
  std::string path;  // as the list has it
  int64_t label = 0;
};

// Lines "path label"; empty ones and those that begin with # are left out. Paths may hold spaces.
Result<std::vector<Sample>> ReadSamples(const std::string& file);

struct Prediction {
  std::string path;
  int64_t label = 0;  // the true one
  int64_t top1 = 0;   // the label that was predicted
  float score = 0;    // of top1
  bool in_top5 = false;

  [[nodiscard]] bool correct() const { return top1 == label; }
};

// Per cent of the predictions that are right. REQUIRES: there are some.
double Top1(const std::vector<Prediction>& predictions);
double Top5(const std::vector<Prediction>& predictions);

// Lines "path label top1 score".
Status WritePredictions(const std::string& file, const std::vector<Prediction>& predictions);
// in_top5 is not in the file, and false.
Result<std::vector<Prediction>> ReadPredictions(const std::string& file);

struct Agreement {
  std::vector<size_t> discordant;  // indices where top1 differs
  double agreement = 0;            // per cent of equal top1
  int64_t only_first = 0;          // right in the first and wrong in the second
  int64_t only_second = 0;
  double difference = 0;    // top-1 of the first less that of the second, in points
  double paired_sigma = 0;  // one standard deviation of that difference, in points
};

// Picture by picture. An error when they are not of the same pictures in the same order.
Result<Agreement> Compare(const std::vector<Prediction>& first,
                          const std::vector<Prediction>& second);

}  // namespace skiff::cli
