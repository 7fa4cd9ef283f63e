#include "quant/same_scale.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace skiff::quant {
namespace {

struct Member {
  std::string name;
  double factor = 1;  // what its thresholds are multiplied by before they are compared
};

Result<Member> ParseMember(const std::string& text) {
  for (const std::string_view mark : {"#*#", "#/#"}) {
    const size_t at = text.find(mark);
    if (at == std::string::npos) continue;
    const std::string_view number = std::string_view(text).substr(at + mark.size());
    double factor = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), factor);
    if (end.ec != std::errc() || end.ptr != number.data() + number.size() || !(factor > 0) ||
        !std::isfinite(factor)) {
      return InvalidArgument("same_scale_tensor_list: " + text + ": \"" + std::string(number) +
                             "\" is no positive number");
    }
    return Member{text.substr(0, at), mark == "#*#" ? factor : 1 / factor};
  }
  return Member{text};
}

Result<std::vector<double>> ThresholdsOf(const Member& member, const Ranges& ranges,
                                         const ThresholdsByWeight& weights) {
  std::vector<double> thresholds;
  const auto weight = weights.find(member.name);
  const auto range = ranges.find(member.name);
  if (weight != weights.end()) {
    thresholds.assign(weight->second.begin(), weight->second.end());
  } else if (range != ranges.end()) {
    thresholds = {range->second.threshold};
  } else {
    return NotFound("same_scale_tensor_list: " + member.name +
                    " is neither a quantised weight nor a tensor that was observed");
  }
  for (double& threshold : thresholds) threshold *= member.factor;
  return thresholds;
}

Status Share(const std::vector<std::string>& list, Ranges* ranges, ThresholdsByWeight* weights) {
  std::vector<Member> members;
  std::vector<double> largest;
  for (const std::string& text : list) {
    SKIFF_ASSIGN_OR_RETURN(Member member, ParseMember(text));
    SKIFF_ASSIGN_OR_RETURN(const std::vector<double> thresholds,
                           ThresholdsOf(member, *ranges, *weights));
    if (largest.empty()) largest.assign(thresholds.size(), 0);
    if (largest.size() != thresholds.size()) {
      return InvalidArgument("same_scale_tensor_list: " + member.name + " has " +
                             std::to_string(thresholds.size()) + " scales, " + members[0].name +
                             " has " + std::to_string(largest.size()));
    }
    for (size_t i = 0; i < largest.size(); ++i) largest[i] = std::max(largest[i], thresholds[i]);
    members.push_back(std::move(member));
  }
  for (const Member& member : members) {
    const auto weight = weights->find(member.name);
    if (weight == weights->end()) {
      ranges->find(member.name)->second.threshold = largest[0] / member.factor;
      continue;
    }
    for (size_t i = 0; i < largest.size(); ++i) {
      weight->second[i] = static_cast<float>(largest[i] / member.factor);
    }
  }
  return OkStatus();
}

}  // namespace

Status ShareScales(const std::vector<std::vector<std::string>>& lists, Ranges* ranges,
                   ThresholdsByWeight* weights) {
  for (const std::vector<std::string>& list : lists) {
    SKIFF_RETURN_IF_ERROR(Share(list, ranges, weights));
  }
  return OkStatus();
}

}  // namespace skiff::quant
