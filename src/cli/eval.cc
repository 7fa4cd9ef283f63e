// skiff eval: how right a classifier is on a list of pictures, and how two precisions agree.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/classes.h"
#include "cli/options.h"
#include "cli/pictures.h"
#include "cli/predictions.h"
#include "cli/progress.h"
#include "cli/stopwatch.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

constexpr size_t kBest = 5;

struct EvalOptions {
  ModelOptions model;
  PreprocessFlags preprocess;
  std::string list;
  std::string data_dir;
  int batch_size = 1;
  int64_t limit = 0;  // pictures; 0: all
  std::string save_predictions;
  std::optional<Precision> compare_precision;
  std::string compare_predictions;
  bool verbose = false;
  bool json = false;
};

// One model under evaluation, and what it said so far.
struct Candidate {
  std::unique_ptr<Session> session;
  std::vector<Prediction> predictions;
};

std::string PicturePath(const EvalOptions& options, const Sample& sample) {
  const std::filesystem::path list(options.list);
  const std::filesystem::path folder =
      options.data_dir.empty() ? list.parent_path() : std::filesystem::path(options.data_dir);
  return (folder / sample.path).string();  // an absolute path stands for itself
}

// Pictures of one size, side by side.
struct Batch {
  std::vector<int64_t> dims;  // N, 3, H, W
  std::vector<float> data;
};

Result<Batch> ReadBatch(PictureReader& reader, std::span<const Sample> samples) {
  Batch batch;
  for (const Sample& sample : samples) {
    SKIFF_ASSIGN_OR_RETURN(const Picture picture, reader.Next());
    if (batch.dims.empty()) {
      batch.dims = {static_cast<int64_t>(samples.size()), 3, picture.height, picture.width};
    }
    if (batch.dims[2] != picture.height || batch.dims[3] != picture.width) {
      return InvalidArgument(fmt::format(
          "{}: {} x {} pixels after preprocessing, but the batch has {} x {}; --batch_size 1, "
          "--crop_size or --resize would help",
          sample.path, picture.width, picture.height, batch.dims[3], batch.dims[2]));
    }
    batch.data.insert(batch.data.end(), picture.planes.begin(), picture.planes.end());
  }
  return batch;
}

Status Predict(Candidate& candidate, const Batch& batch, std::span<const Sample> samples,
               int label_offset) {
  Session& session = *candidate.session;
  SKIFF_RETURN_IF_ERROR(session.SetInput(0, DType::kFloat32, batch.dims, batch.data.data()));
  SKIFF_RETURN_IF_ERROR(session.Run());
  SKIFF_ASSIGN_OR_RETURN(const Scores scores, ReadScores(session));
  if (scores.samples != static_cast<int64_t>(samples.size())) {
    return InvalidArgument(fmt::format("{} pictures went in, but {} rows of scores came out",
                                       samples.size(), scores.samples));
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    const int64_t index = sample.label + label_offset;
    if (index < 0 || index >= scores.classes) {
      return InvalidArgument(
          fmt::format("{}: label {} with label_offset {} is none of the model's {} classes",
                      sample.path, sample.label, label_offset, scores.classes));
    }
    const std::vector<Ranked> best = TopK(scores.row(static_cast<int64_t>(i)), kBest);
    const bool in_top5 = std::any_of(best.begin(), best.end(),
                                     [index](const Ranked& r) { return r.index == index; });
    candidate.predictions.push_back(
        {sample.path, sample.label, best[0].index - label_offset, best[0].score, in_top5});
  }
  return OkStatus();
}

Status PredictAll(const EvalOptions& options, const imaging::Preprocess& preprocess,
                  std::span<const Sample> samples, std::span<Candidate> candidates) {
  std::vector<std::string> paths;
  for (const Sample& sample : samples) paths.push_back(PicturePath(options, sample));
  PictureReader reader(std::move(paths), preprocess, IdleProcessors(options.model.threads));
  Progress progress("pictures", static_cast<int64_t>(samples.size()));
  const auto step = static_cast<size_t>(options.batch_size);
  for (size_t done = 0; done < samples.size(); done += step) {
    const auto part = samples.subspan(done, std::min(step, samples.size() - done));
    SKIFF_ASSIGN_OR_RETURN(const Batch batch, ReadBatch(reader, part));
    std::string note = "top-1";
    for (Candidate& candidate : candidates) {
      SKIFF_RETURN_IF_ERROR(
          Predict(candidate, batch, part, preprocess.label_offset).WithContext(part[0].path));
      note += fmt::format(" {:.2f} %", Top1(candidate.predictions));
    }
    progress.Update(static_cast<int64_t>(done + part.size()), note);
  }
  return OkStatus();
}

// The second opinion, if one was asked for.
struct Other {
  std::string name;
  std::vector<Prediction> predictions;
  Agreement agreement;
};

Json ToJson(const EvalOptions& options, const Candidate& candidate, double seconds) {
  const auto& predictions = candidate.predictions;
  return {{"model", options.model.Title()},
          {"precision", Name(candidate.session->precision())},
          {"isa", candidate.session->isa()},
          {"threads", options.model.threads},
          {"batch_size", options.batch_size},
          {"samples", predictions.size()},
          {"top1", Top1(predictions)},
          {"top5", Top5(predictions)},
          {"seconds", seconds}};
}

Json ToJson(const Other& other, const std::vector<Prediction>& predictions) {
  Json discordant = Json::array();
  for (size_t i : other.agreement.discordant) {
    discordant.push_back({{"picture", predictions[i].path},
                          {"label", predictions[i].label},
                          {"top1", predictions[i].top1},
                          {"other", other.predictions[i].top1}});
  }
  return {{"with", other.name},
          {"top1", Top1(other.predictions)},
          {"agreement", other.agreement.agreement},
          {"only_this_correct", other.agreement.only_first},
          {"only_other_correct", other.agreement.only_second},
          {"difference", other.agreement.difference},
          {"paired_sigma", other.agreement.paired_sigma},
          {"discordant", discordant}};
}

void Print(const Json& json) {
  fmt::print("{}, {}, {}, {} thread(s), batch {}\n", json["model"].get<std::string>(),
             json["precision"].get<std::string>(), json["isa"].get<std::string>(),
             json["threads"].get<int>(), json["batch_size"].get<int>());
  fmt::print("top-1 {:.2f} %   top-5 {:.2f} %   {} pictures, {:.1f} s\n",
             json["top1"].get<double>(), json["top5"].get<double>(), json["samples"].get<int64_t>(),
             json["seconds"].get<double>());
}

void Print(const Other& other, const std::vector<Prediction>& predictions, bool verbose) {
  const Agreement& a = other.agreement;
  fmt::print("{}: top-1 {:.2f} %; the labels agree on {:.2f} % ({} pictures differ)\n", other.name,
             Top1(other.predictions), a.agreement, a.discordant.size());
  fmt::print(
      "right only here {}, only there {}: a difference of {:+.2f} points, "
      "one paired sigma is {:.2f}\n",
      a.only_first, a.only_second, a.difference, a.paired_sigma);
  if (!verbose || a.discordant.empty()) return;
  Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
  table.Add({"picture", "label", "here", "there"});
  for (size_t i : a.discordant) {
    table.Add({predictions[i].path, fmt::format("{}", predictions[i].label),
               fmt::format("{}", predictions[i].top1),
               fmt::format("{}", other.predictions[i].top1)});
  }
  table.Print();
}

Result<std::vector<Candidate>> LoadCandidates(const EvalOptions& options) {
  std::vector<Precision> precisions = options.model.Precisions();
  if (options.compare_precision) precisions.push_back(*options.compare_precision);
  std::vector<Candidate> candidates;
  for (Precision precision : precisions) {
    SKIFF_ASSIGN_OR_RETURN(auto session, LoadSession(options.model, precision));
    SKIFF_RETURN_IF_ERROR(CheckTakesPictures(*session));
    candidates.push_back({std::move(session), {}});
  }
  return candidates;
}

Result<std::optional<Other>> FindOther(const EvalOptions& options,
                                       std::vector<Candidate>& candidates) {
  Other other;
  if (candidates.size() > 1) {
    other.name = Name(*options.compare_precision);
    other.predictions = std::move(candidates[1].predictions);
  } else if (!options.compare_predictions.empty()) {
    other.name = options.compare_predictions;
    SKIFF_ASSIGN_OR_RETURN(other.predictions, ReadPredictions(options.compare_predictions));
  } else {
    return std::optional<Other>();
  }
  SKIFF_ASSIGN_OR_RETURN(other.agreement, Compare(candidates[0].predictions, other.predictions));
  return std::optional<Other>(std::move(other));
}

Status Eval(const EvalOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(std::vector<Sample> samples, ReadSamples(options.list));
  if (options.limit > 0 && options.limit < static_cast<int64_t>(samples.size())) {
    samples.resize(static_cast<size_t>(options.limit));
  }
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(options.preprocess, options.model.Folder()));
  SKIFF_ASSIGN_OR_RETURN(std::vector<Candidate> candidates, LoadCandidates(options));
  const Stopwatch watch;
  SKIFF_RETURN_IF_ERROR(PredictAll(options, preprocess, samples, candidates));
  Json json = ToJson(options, candidates[0], watch.Ms() / 1000);
  const std::vector<Prediction>& predictions = candidates[0].predictions;
  SKIFF_ASSIGN_OR_RETURN(const std::optional<Other> other, FindOther(options, candidates));
  if (!options.save_predictions.empty()) {
    SKIFF_RETURN_IF_ERROR(WritePredictions(options.save_predictions, predictions));
  }
  if (options.json) {
    if (other) json["comparison"] = ToJson(*other, predictions);
    PrintJson(json);
    return OkStatus();
  }
  Print(json);
  if (other) Print(*other, predictions, options.verbose);
  return OkStatus();
}

}  // namespace

void AddEval(Verbs& verbs) {
  Verb& verb = verbs.Add("eval", "Measure a classifier's accuracy on a list");
  auto options = std::make_shared<EvalOptions>();
  Flag list{"--list,list", "LIST", "Lines \"path label\", paths relative to the list"};
  list.required = true;
  verb.Text(list, options->list);
  AddSessionFlags(verb, options->model, PrecisionFlag::kOne);
  verb.Text({"--data_dir", "DIR", "Folder that the list's paths start from"}, options->data_dir);
  verb.Number({"--batch_size", "N", "Pictures in one run"}, options->batch_size, 1, 65536);
  verb.Number({"--limit", "N", "Only the first N pictures"}, options->limit, int64_t{1},
              int64_t{1} << 40, /*show_initial=*/false);
  verb.Text({"--save_predictions", "FILE", "Write \"path label top1 score\" for every picture"},
            options->save_predictions);
  verb.Parsed({"--compare_precision", "NAME", "Run this precision too; say how the labels agree"},
              options->compare_precision, ParsePrecision);
  Flag saved{"--compare_predictions", "FILE", "Compare with predictions that were saved"};
  saved.excludes = "--compare_precision";
  verb.Text(saved, options->compare_predictions);
  verb.Switch({"--verbose", "", "List the pictures that differ"}, options->verbose);
  AddJsonFlag(verb, options->json);
  AddPreprocessFlags(verb, options->preprocess);
  verb.OnUse([options] { return RequireModel(options->model); },
             [options] { return Eval(*options); });
}

}  // namespace skiff::cli
