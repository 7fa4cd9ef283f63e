// Which of several equal kernels a layer runs on, where a measured search has found that out
// (runtime/search.h); without it, the cost models of kernels/ and onednn/ decide.
//
// Immutable once a plan is made with it; any number of threads may read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skiff::steps {

// Kernel by layer. A layer is named by everything that its speed depends on, in one word.
class KernelChoices {
 public:
  void Set(std::string layer, std::string kernel) {
    by_layer_[std::move(layer)] = std::move(kernel);
  }
  // Empty where nothing was found.
  [[nodiscard]] std::string_view Find(std::string_view layer) const {
    const auto it = by_layer_.find(layer);
    return it == by_layer_.end() ? std::string_view() : std::string_view(it->second);
  }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const {
    return by_layer_;
  }

 private:
  std::map<std::string, std::string, std::less<>> by_layer_;
};

// What a search may choose from for one step: for integers kernels that write the same bytes, for
// floats sums in different orders. Fewer than two: there is nothing to choose.
struct KernelCandidates {
  std::string layer;
  std::vector<std::string> kernels;  // the cost model's first
};

}  // namespace skiff::steps
