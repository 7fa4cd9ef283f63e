// The answers of a classifier: scores by class, the best ones, and the names of classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "skiff/session.h"

namespace skiff::cli {

// The first output of a session that has run, as one row of scores for each sample. A view.
struct Scores {
  int64_t samples = 0;
  int64_t classes = 0;
  const float* data = nullptr;

  [[nodiscard]] std::span<const float> row(int64_t sample) const {
    return {data + sample * classes, static_cast<size_t>(classes)};
  }
};

// True when the first output looks like scores: [N, C], [N, C, 1, 1].
bool IsClassifier(const TensorView& output);
// An error that says what the output is when it is not.
Result<Scores> ReadScores(const Session& session);

struct Ranked {
  int64_t index = 0;
  float score = 0;
};

// The k best, best first; of equal scores the lower index is better. NaN is worst.
std::vector<Ranked> TopK(std::span<const float> scores, size_t k);

// Names of classes, one a line, in label order. A WordNet id at the start ("n01440764 tench, ...")
// is left out.
class Labels {
 public:
  Labels() = default;
  static Result<Labels> Read(const std::string& path);
  // `path`, or labels.txt in `folder` when there is one and path is empty; else no names.
  static Result<Labels> Find(const std::string& path, const std::string& folder);

  // "tench, Tinca tinca"; "class 7" for a label without a name.
  [[nodiscard]] std::string Name(int64_t label) const;
  // "tench".
  [[nodiscard]] std::string ShortName(int64_t label) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace skiff::cli
