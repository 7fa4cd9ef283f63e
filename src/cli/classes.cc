#include "cli/classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "cli/lines.h"
#include "cli/text.h"

namespace skiff::cli {
namespace {

constexpr size_t kMaxLabels = 1'000'000;
constexpr size_t kWordNetId = 9;  // "n01440764"

bool StartsWithWordNetId(std::string_view line) {
  return line.size() > kWordNetId && line[0] == 'n' && line[kWordNetId] == ' ' &&
         std::all_of(line.begin() + 1, line.begin() + kWordNetId,
                     [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool IsClassifier(const TensorView& output) {
  if (output.dtype != DType::kFloat32 || output.dims.size() < 2) return false;
  const std::span<const int64_t> dims = output.dims;
  return dims[0] > 0 && dims[1] > 1 && Numel(dims.subspan(2)) == 1;
}

Result<Scores> ReadScores(const Session& session) {
  SKIFF_ASSIGN_OR_RETURN(const TensorView output, session.Output(0));
  if (!IsClassifier(output)) {
    return InvalidArgument(
        fmt::format("output {} is {} {}, which is no list of float scores for each picture",
                    session.outputs().front().name, Name(output.dtype), DimsText(output.dims)));
  }
  return Scores{output.dims[0], output.dims[1], static_cast<const float*>(output.data)};
}

std::vector<Ranked> TopK(std::span<const float> scores, size_t k) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto score = [scores](int64_t i) { return scores[static_cast<size_t>(i)]; };
  k = std::min(k, order.size());
  const auto better = [score](int64_t a, int64_t b) {
    const bool a_is_nan = std::isnan(score(a));
    const bool b_is_nan = std::isnan(score(b));
    if (a_is_nan != b_is_nan) return b_is_nan;
    if (a_is_nan || score(a) == score(b)) return a < b;
    return score(a) > score(b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    better);
  std::vector<Ranked> best;
  for (size_t i = 0; i < k; ++i) best.push_back({order[i], score(order[i])});
  return best;
}

Result<Labels> Labels::Read(const std::string& path) {
  Labels labels;
  SKIFF_RETURN_IF_ERROR(ForEachLine(path, [&](size_t, std::string_view line) {
    if (labels.names_.size() == kMaxLabels) {
      return ResourceExhausted(fmt::format("{}: more than {} labels", path, kMaxLabels));
    }
    if (StartsWithWordNetId(line)) line.remove_prefix(kWordNetId + 1);
    labels.names_.emplace_back(line);
    return OkStatus();
  }));
  return labels;
}

Result<Labels> Labels::Find(const std::string& path, const std::string& folder) {
  if (!path.empty()) return Read(path);
  const std::string beside = (std::filesystem::path(folder) / "labels.txt").string();
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored)) return Read(beside);
  return Labels();
}

std::string Labels::Name(int64_t label) const {
  if (label < 0) return "background";
  if (label >= static_cast<int64_t>(names_.size())) return fmt::format("class {}", label);
  return names_[static_cast<size_t>(label)];
}

std::string Labels::ShortName(int64_t label) const {
  const std::string name = Name(label);
  return name.substr(0, name.find(','));
}

}  // namespace skiff::cli
