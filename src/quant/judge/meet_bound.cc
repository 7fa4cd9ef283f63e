// The fewest layers in float that keep top-1 within a bound.
#include <algorithm>
#include <array>
#include <cstdio>

#include "quant/judge/evaluation.h"
#include "quant/judge/sensitivity.h"

namespace skiff::quant {
namespace {

// Tries numbers of groups in float: 0, 1, 2, 4 ... until one meets the bound, then between.
class Search {
 public:
  Search(const Evaluation& evaluation, const Labels& fp32, const QuantizeOptions& options,
         const std::vector<double>& sensitivity, Half half, Prepared* prepared)
      : evaluation_(evaluation),
        fp32_(fp32),
        max_drop_(*options.max_drop),
        half_(half),
        prepared_(*prepared) {
    groups_ = LayerGroups(prepared_.quantized.layers);
    std::stable_sort(groups_.begin(), groups_.end(), [&](const auto& a, const auto& b) {
      return sensitivity[a[0]] > sensitivity[b[0]];
    });
  }

  Result<std::vector<AccuracyFigures::Trial>> Run() {
    size_t fails = 0;  // the most that is known not to do
    SKIFF_ASSIGN_OR_RETURN(bool met, Try(0));
    size_t meets = 0;
    for (size_t next = 1; !met; next *= 2) {
      fails = meets;
      meets = std::min(next, groups_.size() - 1);
      SKIFF_ASSIGN_OR_RETURN(met, Try(meets));
      if (!met && meets + 1 >= groups_.size()) return TooStrict();
    }
    while (meets > fails + 1) {
      const size_t middle = fails + (meets - fails) / 2;
      SKIFF_ASSIGN_OR_RETURN(met, Try(middle));
      (met ? meets : fails) = middle;
    }
    Leave(meets, "its rounding costs too much: the search for max_drop left it in float");
    std::sort(trials_.begin(), trials_.end(),
              [](const auto& a, const auto& b) { return a.float_layers < b.float_layers; });
    return trials_;
  }

  // The figures of what Run chose.
  [[nodiscard]] AccuracyFigures Chosen(std::vector<AccuracyFigures::Trial> trials) const {
    AccuracyFigures figures = chosen_;
    figures.trials = std::move(trials);
    return figures;
  }

 private:
  int64_t Leave(size_t groups, const std::string& why) {
    int64_t layers = 0;
    for (size_t g = 0; g < groups_.size(); ++g) {
      for (size_t i : groups_[g]) prepared_.quantized.layers[i].why_float = g < groups ? why : "";
      if (g < groups) layers += static_cast<int64_t>(groups_[g].size());
    }
    return layers;
  }

  Result<bool> Try(size_t groups) {
    const int64_t layers = Leave(groups, "on trial");
    std::array<char, 64> stage{};
    std::snprintf(stage.data(), stage.size(), "top-1 with %lld layers in float",
                  static_cast<long long>(layers));
    SKIFF_ASSIGN_OR_RETURN(const Labels int8,
                           evaluation_.Predict(ExportToRun(prepared_.program, prepared_.quantized),
                                               Precision::kInt8, half_, stage.data()));
    const AccuracyFigures figures = evaluation_.Compare(fp32_, int8);
    const double drop = figures.top1_fp32 - figures.top1_int8;
    trials_.push_back({layers, drop});
    const bool met = 100 * drop <= max_drop_ + 1e-9;
    if (met) chosen_ = figures;  // the last that meets the bound has the fewest layers in float
    return met;
  }

  Status TooStrict() const {
    return CheckFailed("max_drop " + std::to_string(max_drop_) +
                       ": even with one quantised layer the model loses more");
  }

  const Evaluation& evaluation_;
  const Labels& fp32_;
  double max_drop_;
  Half half_;
  Prepared& prepared_;
  std::vector<std::vector<size_t>> groups_;
  std::vector<AccuracyFigures::Trial> trials_;
  AccuracyFigures chosen_;
};

// The model is in memory no longer than that.
Result<Labels> PredictInFloat(const Evaluation& evaluation, const Prepared& prepared) {
  SKIFF_ASSIGN_OR_RETURN(const program::Program original, prepared.original.Load());
  return evaluation.Predict(original, Precision::kFp32, Half::kAll, "top-1 in float");
}

}  // namespace

Result<AccuracyFigures> MeetBound(const std::vector<double>& sensitivity,
                                  const QuantizeOptions& options, const QuantizeProgress& progress,
                                  Prepared* prepared) {
  const Evaluation evaluation(options, progress);
  SKIFF_ASSIGN_OR_RETURN(const Labels fp32, PredictInFloat(evaluation, *prepared));
  std::vector<AccuracyFigures::Trial> trials;
  const bool choose = options.max_drop.has_value();
  if (choose) {
    Search search(evaluation, fp32, options, sensitivity, Half::kEven, prepared);
    SKIFF_ASSIGN_OR_RETURN(trials, search.Run());
  }
  SKIFF_ASSIGN_OR_RETURN(
      const Labels int8,
      evaluation.Predict(ExportToRun(prepared->program, prepared->quantized), Precision::kInt8,
                         choose ? Half::kOdd : Half::kAll, "top-1 quantised"));
  AccuracyFigures figures = evaluation.Compare(fp32, int8);
  figures.trials = std::move(trials);
  return figures;
}

Result<AccuracyFigures> MeetTarget(const std::vector<double>& sensitivity, double target,
                                   QuantizeOptions options, const QuantizeProgress& progress,
                                   Prepared* prepared) {
  const Evaluation evaluation(options, progress);
  SKIFF_ASSIGN_OR_RETURN(const Labels fp32, PredictInFloat(evaluation, *prepared));
  AccuracyFigures figures = evaluation.Compare(fp32, fp32);
  if (target > figures.top1_fp32) {
    return CheckFailed("target_metric " + std::to_string(target) + ": the float model itself has " +
                       std::to_string(figures.top1_fp32));
  }
  options.max_drop = 100 * (figures.top1_fp32 - target);
  Search search(evaluation, fp32, options, sensitivity, Half::kAll, prepared);
  SKIFF_ASSIGN_OR_RETURN(figures.trials, search.Run());
  return search.Chosen(std::move(figures.trials));
}

}  // namespace skiff::quant
