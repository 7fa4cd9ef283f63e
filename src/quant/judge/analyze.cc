// The flow: statistics, one layer after the other, the target; a checkpoint after each layer.
#include "skiff/analyze.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>

#include "formats/file.h"
#include "formats/model_files.h"
#include "quant/convert/convert_program.h"
#include "quant/judge/analyze_statistics.h"
#include "quant/judge/evaluation.h"
#include "quant/judge/fingerprint.h"
#include "quant/judge/sensitivity.h"
#include "quant/options.h"
#include "quant/stoppable_data.h"

namespace skiff {
namespace {

namespace fs = std::filesystem;
using quant::Prepared;

// What was measured of layers, on disk. Lines "<metric> <name>" below the fingerprint.
class Checkpoint {
 public:
  Checkpoint(std::string path, const std::string& fingerprint)
      : path_(std::move(path)), head_("skiff analysis " + fingerprint) {}

  // An error when the file is of other work.
  Status Load() {
    std::ifstream file(path_);
    std::string line;
    if (!file || !std::getline(file, line)) return OkStatus();
    if (line != head_) {
      return InvalidArgument(path_ +
                             ": of another model, other data or other options; remove it "
                             "or analyse without resume");
    }
    double metric = 0;
    while (file >> metric && file.get() == ' ' && std::getline(file, line)) done_[line] = metric;
    return OkStatus();
  }
  [[nodiscard]] const double* Find(const std::string& name) const {
    const auto it = done_.find(name);
    return it == done_.end() ? nullptr : &it->second;
  }
  Status Add(const std::string& name, double metric) {
    done_[name] = metric;
    std::string text = head_ + "\n";
    for (const auto& [done, value] : done_) {
      std::array<char, 40> number{};
      std::snprintf(number.data(), number.size(), "%.17g ", value);
      text += number.data() + done + "\n";
    }
    return formats::WriteFile(path_, text);
  }

 private:
  std::string path_;
  std::string head_;
  std::map<std::string, double> done_;
};

// Top-1, or the cosine of the output with the float model's.
class Metric {
 public:
  static Result<std::unique_ptr<Metric>> Make(const program::Program& original,
                                              CalibrationData& data, const QuantizeOptions& options,
                                              const QuantizeProgress& progress) {
    std::unique_ptr<Metric> metric(new Metric(options, progress));
    if (options.evaluation == nullptr) {
      SKIFF_ASSIGN_OR_RETURN(metric->judge_, quant::OutputJudge::Make(original, data, options));
    }
    return metric;
  }
  Result<double> Of(const program::Program& program, Precision precision) const {
    if (judge_ != nullptr) {
      if (precision == Precision::kFp32) return 1.0;
      SKIFF_ASSIGN_OR_RETURN(const OutputFigures figures, judge_->Figures(program));
      return figures.error.cosine;
    }
    const quant::Evaluation evaluation(options_, silent_);
    SKIFF_ASSIGN_OR_RETURN(const quant::Labels labels,
                           evaluation.Predict(program, precision, quant::Half::kAll, ""));
    return evaluation.Compare(labels, labels).top1_fp32;
  }
  void Tell(size_t done, size_t total) const {
    if (progress_) {
      progress_("layer by layer", static_cast<int64_t>(done), static_cast<int64_t>(total));
    }
  }

 private:
  Metric(const QuantizeOptions& options, const QuantizeProgress& progress)
      : options_(options), progress_(progress) {}

  const QuantizeOptions& options_;
  const QuantizeProgress& progress_;
  const QuantizeProgress silent_;
  std::unique_ptr<quant::OutputJudge> judge_;
};

void SortBySensitivity(Analysis* analysis) {
  std::stable_sort(
      analysis->layers.begin(), analysis->layers.end(),
      [](const AnalyzedLayer& a, const AnalyzedLayer& b) { return a.sensitivity > b.sensitivity; });
}

// The float model with one layer after the other quantised.
Status QuantizeOneByOne(const Metric& metric, const program::Program& original,
                        const Prepared& prepared, Checkpoint* checkpoint, Analysis* analysis) {
  SKIFF_ASSIGN_OR_RETURN(analysis->metric, metric.Of(original, Precision::kFp32));
  const auto groups = quant::LayerGroups(prepared.quantized.layers);
  for (size_t g = 0; g < groups.size(); ++g) {
    metric.Tell(g, groups.size());
    const std::string& name = prepared.quantized.layers[groups[g][0]].weight;
    if (checkpoint->Find(name) == nullptr) {
      quant::Quantized one = prepared.quantized;
      for (quant::Layer& layer : one.layers) {
        if (layer.weight != name) layer.why_float = "not on trial";
      }
      SKIFF_ASSIGN_OR_RETURN(
          const double value,
          metric.Of(quant::ExportToRun(prepared.program, one), Precision::kInt8));
      SKIFF_RETURN_IF_ERROR(checkpoint->Add(name, value));
    }
    const double value = *checkpoint->Find(name);
    analysis->layers.push_back({name, value, analysis->metric - value});
  }
  return OkStatus();
}

// A quantised model with one layer after the other put back to float.
Status RestoreOneByOne(const Metric& metric, const program::Program& quantized,
                       Checkpoint* checkpoint, Analysis* analysis) {
  program::Program all = quantized;
  std::vector<ConvertedOperator> operators;
  SKIFF_RETURN_IF_ERROR(quant::ConvertProgram(&all, {}, &operators));
  SKIFF_ASSIGN_OR_RETURN(analysis->metric, metric.Of(all, Precision::kInt8));
  for (size_t i = 0; i < operators.size(); ++i) {
    metric.Tell(i, operators.size());
    const std::string& name = operators[i].name;
    if (checkpoint->Find(name) == nullptr) {
      program::Program trial = quantized;
      ConvertOptions convert;
      convert.op_ids_to_skip = {operators[i].id};
      std::vector<ConvertedOperator> ignored;
      SKIFF_RETURN_IF_ERROR(quant::ConvertProgram(&trial, convert, &ignored));
      SKIFF_ASSIGN_OR_RETURN(const double value, metric.Of(trial, Precision::kInt8));
      SKIFF_RETURN_IF_ERROR(checkpoint->Add(name, value));
    }
    const double value = *checkpoint->Find(name);
    analysis->layers.push_back({name, value, value - analysis->metric});
  }
  return OkStatus();
}

std::string AnalysisText(const Analysis& analysis) {
  std::string text;
  for (const AnalyzedLayer& layer : analysis.layers) {
    std::array<char, 40> number{};
    std::snprintf(number.data(), number.size(), "%.9g", layer.sensitivity);
    text += "layer name: " + layer.name + ", sensitivity metric: " + number.data() + "\n";
  }
  return text;
}

Status Target(const AnalyzeOptions& options, const QuantizeProgress& progress, Prepared* prepared,
              Analysis* analysis) {
  std::vector<double> sensitivity(prepared->quantized.layers.size(), 0);
  for (const AnalyzedLayer& layer : analysis->layers) {
    for (size_t i = 0; i < sensitivity.size(); ++i) {
      if (prepared->quantized.layers[i].weight == layer.name) sensitivity[i] = layer.sensitivity;
    }
  }
  SKIFF_ASSIGN_OR_RETURN(analysis->target, quant::MeetTarget(sensitivity, *options.target_metric,
                                                             options.quantize, progress, prepared));
  const fs::path folder = fs::path(options.save_dir) / "target_quant_model";
  return quant::WriteModel(quant::Export(prepared->program, prepared->quantized, options.quantize),
                           prepared->quantized.ranges, options.quantize, folder.string());
}

Status CheckOptions(const AnalyzeOptions& options) {
  SKIFF_RETURN_IF_ERROR(quant::CheckOptions(options.quantize));
  if (!options.target_metric) return OkStatus();
  if (options.quantize.evaluation == nullptr) {
    return InvalidArgument("target_metric needs evaluation data with labels");
  }
  if (options.quant_model != nullptr) {
    return InvalidArgument(
        "target_metric chooses layers of a float model; there is a quantised "
        "one already");
  }
  return OkStatus();
}

Result<Analysis> AnalyzeModel(const ModelSource& source, CalibrationData& all,
                              const AnalyzeOptions& options, const QuantizeProgress& progress) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options));
  quant::StoppableData data(all, options.quantize);
  std::error_code error;
  const fs::path folder(options.save_dir);
  fs::create_directories(folder, error);
  if (error) return IoError(options.save_dir + ": cannot make it: " + error.message());
  Analysis analysis;
  program::Program original;
  program::Program trained;
  Prepared prepared;
  if (options.quant_model != nullptr) {
    SKIFF_ASSIGN_OR_RETURN(trained, formats::LoadModel(*options.quant_model));
    SKIFF_ASSIGN_OR_RETURN(original, formats::LoadModel(source));
  } else {
    SKIFF_ASSIGN_OR_RETURN(prepared, quant::Prepare(source, data, options.quantize, progress));
    SKIFF_ASSIGN_OR_RETURN(original, prepared.original.Load());
  }
  const bool one_by_one = options.metric_error || options.target_metric;
  if (options.statistics && options.quant_model == nullptr) {
    SKIFF_ASSIGN_OR_RETURN(analysis.tensors,
                           quant::TensorStatistics(prepared, data, options.quantize, progress));
    SKIFF_RETURN_IF_ERROR(formats::WriteFile((folder / "statistic.csv").string(),
                                             quant::StatisticsCsv(analysis.tensors)));
  }
  if (!one_by_one) return analysis;
  const program::Program& judged = options.quant_model != nullptr ? trained : original;
  Checkpoint checkpoint((folder / "analysis_checkpoint.txt").string(),
                        quant::Fingerprint(judged, options.quantize, data.batches()));
  if (options.resume) SKIFF_RETURN_IF_ERROR(checkpoint.Load());
  SKIFF_ASSIGN_OR_RETURN(const auto metric,
                         Metric::Make(original, data, options.quantize, progress));
  SKIFF_RETURN_IF_ERROR(
      options.quant_model != nullptr
          ? RestoreOneByOne(*metric, trained, &checkpoint, &analysis)
          : QuantizeOneByOne(*metric, original, prepared, &checkpoint, &analysis));
  SortBySensitivity(&analysis);
  SKIFF_RETURN_IF_ERROR(
      formats::WriteFile((folder / "analysis.txt").string(), AnalysisText(analysis)));
  if (options.target_metric) {
    SKIFF_RETURN_IF_ERROR(Target(options, progress, &prepared, &analysis));
  }
  return analysis;
}

}  // namespace

Result<Analysis> Analyze(const ModelSource& source, CalibrationData& data,
                         const AnalyzeOptions& options, const QuantizeProgress& progress) {
  try {
    return AnalyzeModel(source, data, options, progress);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to analyse the model");
  }
}

}  // namespace skiff
