#include "cli/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <string_view>

#include "cli/lines.h"

namespace skiff::cli {
namespace {

constexpr size_t kShownCharacters = 120;  // of a line in a message

// Cuts the last word off `line`; empty when there is none.
std::string_view TakeLastWord(std::string_view& line) {
  const size_t end = line.find_last_not_of(" \t\r");
  line = line.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const size_t blank = line.find_last_of(" \t");
  if (blank == std::string_view::npos) return {};
  const std::string_view word = line.substr(blank + 1);
  line = line.substr(0, line.find_last_not_of(" \t", blank) + 1);
  return word;
}

template <typename T>
bool Parse(std::string_view word, T& value) {
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && stop == word.data() + word.size();
}

// Calls parse(line) for every line that says something; what it refuses is an error with the
// number of the line.
Status ParseLines(const std::string& path, std::string_view form,
                  const std::function<bool(std::string_view)>& parse) {
  return ForEachLine(path, [&](size_t number, std::string_view line) {
    const bool empty = line.find_first_not_of(" \t\r") == std::string_view::npos;
    if (empty || line.starts_with('#') || parse(line)) return OkStatus();
    return Corruption(fmt::format("{}:{}: \"{}\" is not \"{}\"", path, number,
                                  Shorten(std::string(line), kShownCharacters), form));
  });
}

template <typename Good>
double PerCent(const std::vector<Prediction>& predictions, Good good) {
  const auto count = std::count_if(predictions.begin(), predictions.end(), good);
  return 100.0 * static_cast<double>(count) / static_cast<double>(predictions.size());
}

}  // namespace

Result<std::vector<Sample>> ReadSamples(const std::string& file) {
  std::vector<Sample> samples;
  SKIFF_RETURN_IF_ERROR(ParseLines(file, "path label", [&samples](std::string_view line) {
    Sample sample;
    if (!Parse(TakeLastWord(line), sample.label)) return false;
    sample.path = line;
    samples.push_back(std::move(sample));
    return !line.empty();
  }));
  if (samples.empty()) return InvalidArgument(file + ": the list has no pictures");
  return samples;
}

double Top1(const std::vector<Prediction>& predictions) {
  return PerCent(predictions, [](const Prediction& p) { return p.correct(); });
}

double Top5(const std::vector<Prediction>& predictions) {
  return PerCent(predictions, [](const Prediction& p) { return p.in_top5; });
}

Status WritePredictions(const std::string& file, const std::vector<Prediction>& predictions) {
  std::ofstream out(file, std::ios::trunc);
  for (const Prediction& p : predictions) {
    out << fmt::format("{} {} {} {:.6f}\n", p.path, p.label, p.top1, p.score);
  }
  out.close();
  if (!out) return IoError(fmt::format("{}: {}", file, std::strerror(errno)));
  return OkStatus();
}

Result<std::vector<Prediction>> ReadPredictions(const std::string& file) {
  std::vector<Prediction> predictions;
  SKIFF_RETURN_IF_ERROR(
      ParseLines(file, "path label top1 score", [&predictions](std::string_view line) {
        Prediction p;
        if (!Parse(TakeLastWord(line), p.score) || !Parse(TakeLastWord(line), p.top1) ||
            !Parse(TakeLastWord(line), p.label)) {
          return false;
        }
        p.path = line;
        predictions.push_back(std::move(p));
        return true;
      }));
  return predictions;
}

Result<Agreement> Compare(const std::vector<Prediction>& first,
                          const std::vector<Prediction>& second) {
  if (first.size() != second.size()) {
    return InvalidArgument(fmt::format("predictions of {} pictures cannot be compared with {}",
                                       first.size(), second.size()));
  }
  Agreement result;
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i].path != second[i].path || first[i].label != second[i].label) {
      return InvalidArgument(fmt::format("the predictions are not of the same pictures: {} and {}",
                                         first[i].path, second[i].path));
    }
    if (first[i].top1 == second[i].top1) continue;
    result.discordant.push_back(i);
    result.only_first += first[i].correct() ? 1 : 0;
    result.only_second += second[i].correct() ? 1 : 0;
  }
  const auto n = static_cast<double>(first.size());
  const auto only = static_cast<double>(result.only_first + result.only_second);
  result.agreement = 100 * (n - static_cast<double>(result.discordant.size())) / n;
  result.difference = 100 * static_cast<double>(result.only_first - result.only_second) / n;
  result.paired_sigma = 100 * std::sqrt(only) / n;
  return result;
}

}  // namespace skiff::cli
