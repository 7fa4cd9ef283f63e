// The flow: propose, prepare, judge, log; the best is quantised once more and written.
#include "skiff/tune.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>

#include "formats/file.h"
#include "formats/model_files.h"
#include "quant/judge/evaluation.h"
#include "quant/judge/fingerprint.h"
#include "quant/judge/sensitivity.h"
#include "quant/judge/tune_search.h"
#include "quant/options.h"

namespace skiff {
namespace {

constexpr const char* kColumns =
    "algo,bias_correction,weight_quantize_type,hist_percent,batch_size,batch_nums,loss\n";

std::string Line(const TuneTrial& trial) {
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(), "%s,%s,%s,%.17g,%lld,%lld,%.17g\n",
                std::string(Name(trial.algo)).c_str(), trial.bias_correction ? "true" : "false",
                trial.weight_per_channel ? "channel_wise_abs_max" : "abs_max", trial.hist_percent,
                static_cast<long long>(trial.batch_size), static_cast<long long>(trial.batch_nums),
                trial.loss);
  return text.data();
}

bool ParseLine(const std::string& line, TuneTrial* trial) {
  std::stringstream in(line);
  std::string algo;
  std::string bias;
  std::string weight;
  char comma = 0;
  std::getline(in, algo, ',');
  std::getline(in, bias, ',');
  std::getline(in, weight, ',');
  in >> trial->hist_percent >> comma >> trial->batch_size >> comma >> trial->batch_nums >> comma >>
      trial->loss;
  const Result<CalibrationAlgorithm> parsed = ParseCalibrationAlgorithm(algo);
  if (!in || !parsed.ok()) return false;
  trial->algo = *parsed;
  trial->bias_correction = bias == "true";
  trial->weight_per_channel = weight == "channel_wise_abs_max";
  return true;
}

// The trials on disk. Each is written before the next begins.
class Log {
 public:
  Log(std::string path, std::string head) : path_(std::move(path)), head_(std::move(head)) {}

  Result<std::vector<TuneTrial>> Load() {
    std::ifstream file(path_);
    std::string line;
    if (!file || !std::getline(file, line)) return std::vector<TuneTrial>();
    if (line != head_) {
      return InvalidArgument(path_ +
                             ": trials of another model, other data or other options; "
                             "remove it to search anew");
    }
    std::getline(file, line);
    while (std::getline(file, line)) {
      TuneTrial trial;
      if (!ParseLine(line, &trial)) return Corruption(path_ + ": \"" + line + "\" is no trial");
      text_ += Line(trial);
      trials_.push_back(trial);
    }
    return trials_;
  }
  Status Add(const TuneTrial& trial) {
    text_ += Line(trial);
    return formats::WriteFile(path_, head_ + "\n" + kColumns + text_);
  }

 private:
  std::string path_;
  std::string head_;
  std::string text_;
  std::vector<TuneTrial> trials_;
};

double PlaceOf(const std::vector<bool>& list, bool value) {
  return static_cast<double>(std::find(list.begin(), list.end(), value) - list.begin());
}

double Share(double value, double low, double high) {
  return high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0;
}

// Between a trial and a point of the unit cube.
class Coordinates {
 public:
  explicit Coordinates(const TuneOptions& options) : o_(options) {}

  [[nodiscard]] quant::Space space() const {
    return {static_cast<int>(o_.algo.size()),
            static_cast<int>(o_.bias_correction.size()),
            static_cast<int>(o_.weight_per_channel.size()),
            0,
            0,
            0};
  }
  [[nodiscard]] TuneTrial At(const quant::Point& p) const {
    TuneTrial trial;
    trial.algo = o_.algo[static_cast<size_t>(p[0])];
    trial.bias_correction = o_.bias_correction[static_cast<size_t>(p[1])];
    trial.weight_per_channel = o_.weight_per_channel[static_cast<size_t>(p[2])];
    // What is cut off matters by its order of magnitude.
    trial.hist_percent = 1 - std::exp(std::lerp(CutOff(0), CutOff(1), p[3]));
    trial.batch_size = Whole(o_.batch_size, p[4]);
    trial.batch_nums = Whole(o_.batch_nums, p[5]);
    return trial;
  }
  [[nodiscard]] quant::Point Of(const TuneTrial& trial) const {
    const auto algo = std::find(o_.algo.begin(), o_.algo.end(), trial.algo) - o_.algo.begin();
    const double cut = std::log(std::max(1 - trial.hist_percent, 1e-12));
    return {static_cast<double>(algo),
            PlaceOf(o_.bias_correction, trial.bias_correction),
            PlaceOf(o_.weight_per_channel, trial.weight_per_channel),
            Share(cut, CutOff(0), CutOff(1)),
            At(o_.batch_size, trial.batch_size),
            At(o_.batch_nums, trial.batch_nums)};
  }

 private:
  [[nodiscard]] double CutOff(size_t end) const {
    return std::log(std::max(1 - o_.hist_percent[end], 1e-12));
  }
  static int64_t Whole(const std::array<int64_t, 2>& range, double share) {
    const auto places = static_cast<double>(range[1] - range[0] + 1);
    return std::min(range[0] + static_cast<int64_t>(share * places), range[1]);
  }
  static double At(const std::array<int64_t, 2>& range, int64_t value) {
    return Share(static_cast<double>(value) + 0.5, static_cast<double>(range[0]),
                 static_cast<double>(range[1]) + 1);
  }

  const TuneOptions& o_;
};

QuantizeOptions OptionsOf(const TuneTrial& trial, const TuneOptions& options) {
  QuantizeOptions quantize = options.quantize;
  quantize.algo = trial.algo;
  quantize.bias_correction = trial.bias_correction;
  quantize.weight_per_channel = trial.weight_per_channel;
  quantize.hist_percent = trial.hist_percent;
  return quantize;
}

class Tuner {
 public:
  Tuner(const ModelSource& source, const program::Program& original, const OpenBatches& open,
        const TuneOptions& options, const QuantizeProgress& progress)
      : source_(source),
        original_(original),
        open_(open),
        options_(options),
        progress_(progress),
        coordinates_(options) {}

  Status Init() {
    if (options_.quantize.evaluation != nullptr) {
      const quant::Evaluation evaluation(options_.quantize, progress_);
      SKIFF_ASSIGN_OR_RETURN(fp32_, evaluation.Predict(original_, Precision::kFp32,
                                                       quant::Half::kAll, "top-1 in float"));
      return OkStatus();
    }
    SKIFF_ASSIGN_OR_RETURN(const auto data, open_(1, 0));
    SKIFF_ASSIGN_OR_RETURN(judge_, quant::OutputJudge::Make(original_, *data, options_.quantize));
    return OkStatus();
  }

  // The first trial is the options as they are.
  [[nodiscard]] TuneTrial Next(const std::vector<TuneTrial>& trials) const {
    if (trials.empty()) {
      const QuantizeOptions& q = options_.quantize;
      return {q.algo,         q.bias_correction,      q.weight_per_channel,
              q.hist_percent, options_.batch_size[0], options_.batch_nums[1]};
    }
    std::vector<quant::Tried> tried;
    for (const TuneTrial& trial : trials) tried.push_back({coordinates_.Of(trial), trial.loss});
    const auto random = static_cast<size_t>(std::max<int64_t>(options_.runcount_limit / 4, 4));
    return coordinates_.At(quant::Propose(coordinates_.space(), tried, random, options_.seed));
  }

  Result<double> Loss(const TuneTrial& trial) const {
    SKIFF_ASSIGN_OR_RETURN(const auto data, open_(trial.batch_size, trial.batch_nums));
    SKIFF_ASSIGN_OR_RETURN(const quant::Prepared prepared,
                           quant::Prepare(source_, *data, OptionsOf(trial, options_), {}));
    const program::Program quantized = quant::ExportToRun(prepared.program, prepared.quantized);
    if (judge_ != nullptr) return judge_->Distance(quantized);
    const quant::Evaluation evaluation(options_.quantize, silent_);
    SKIFF_ASSIGN_OR_RETURN(const quant::Labels int8,
                           evaluation.Predict(quantized, Precision::kInt8, quant::Half::kAll, ""));
    const AccuracyFigures figures = evaluation.Compare(fp32_, int8);
    return (figures.top1_fp32 - figures.top1_int8) / std::max(figures.top1_fp32, 1e-9);
  }

 private:
  const ModelSource& source_;
  const program::Program& original_;
  const OpenBatches& open_;
  const TuneOptions& options_;
  const QuantizeProgress& progress_;
  const QuantizeProgress silent_;
  Coordinates coordinates_;
  quant::Labels fp32_;
  std::unique_ptr<quant::OutputJudge> judge_;
};

Status CheckOptions(const TuneOptions& options) {
  SKIFF_RETURN_IF_ERROR(quant::CheckOptions(options.quantize));
  if (options.algo.empty() || options.weight_per_channel.empty() ||
      options.bias_correction.empty()) {
    return InvalidArgument("the search needs at least one value for each option");
  }
  const auto [least, most] = options.hist_percent;
  if (!(least > 0 && least <= most && most <= 1)) {
    return InvalidArgument("hist_percent: a range within (0, 1] expected");
  }
  for (const auto& range : {options.batch_size, options.batch_nums}) {
    if (range[0] < 1 || range[0] > range[1]) {
      return InvalidArgument("batch_size and batch_nums: ranges of positive numbers expected");
    }
  }
  if (options.runcount_limit < 1) return InvalidArgument("runcount_limit must be at least 1");
  return OkStatus();
}

std::string HeadOf(const program::Program& original, const TuneOptions& options, int64_t samples) {
  std::string head = "# skiff tune " + quant::Fingerprint(original, options.quantize, samples) +
                     " seed " + std::to_string(options.seed) + " runs " +
                     std::to_string(options.runcount_limit);
  for (CalibrationAlgorithm algo : options.algo) head += " " + std::string(Name(algo));
  for (bool correct : options.bias_correction) head += correct ? " corrected" : " plain";
  for (bool channel : options.weight_per_channel) head += channel ? " channel" : " tensor";
  for (double end : options.hist_percent) head += " " + std::to_string(end);
  for (int64_t end : options.batch_size) head += " " + std::to_string(end);
  for (int64_t end : options.batch_nums) head += " " + std::to_string(end);
  return head;
}

Result<TuneResult> TuneModel(const ModelSource& source, const OpenBatches& open,
                             const TuneOptions& options, const std::string& out,
                             const QuantizeProgress& progress) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options));
  SKIFF_ASSIGN_OR_RETURN(const program::Program original, formats::LoadModel(source));
  if (original.blocks.empty()) return Corruption(original.source + ": the program has no block");
  SKIFF_ASSIGN_OR_RETURN(const auto samples, open(1, 0));
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) return IoError(out + ": cannot make it: " + error.message());
  Log log((std::filesystem::path(out) / "tune_trials.csv").string(),
          HeadOf(original, options, samples->batches()));
  TuneResult result;
  SKIFF_ASSIGN_OR_RETURN(result.trials, log.Load());
  Tuner tuner(source, original, open, options, progress);
  const auto limit = static_cast<size_t>(options.runcount_limit);
  if (result.trials.size() < limit) SKIFF_RETURN_IF_ERROR(tuner.Init());
  while (result.trials.size() < limit) {
    if (progress) {
      progress("trials", static_cast<int64_t>(result.trials.size()), options.runcount_limit);
    }
    TuneTrial trial = tuner.Next(result.trials);
    SKIFF_ASSIGN_OR_RETURN(trial.loss, tuner.Loss(trial));
    SKIFF_RETURN_IF_ERROR(log.Add(trial));
    result.trials.push_back(trial);
  }
  const auto best =
      std::min_element(result.trials.begin(), result.trials.end(),
                       [](const TuneTrial& a, const TuneTrial& b) { return a.loss < b.loss; });
  result.best = static_cast<size_t>(best - result.trials.begin());
  SKIFF_ASSIGN_OR_RETURN(const auto data, open(best->batch_size, best->batch_nums));
  SKIFF_ASSIGN_OR_RETURN(result.report,
                         Quantize(source, *data, OptionsOf(*best, options), out, progress));
  return result;
}

}  // namespace

Result<TuneResult> Tune(const ModelSource& source, const OpenBatches& open,
                        const TuneOptions& options, const std::string& out,
                        const QuantizeProgress& progress) {
  try {
    return TuneModel(source, open, options, out, progress);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to tune the model");
  }
}

}  // namespace skiff
