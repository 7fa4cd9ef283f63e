// skiff run: pictures in, labels out; or tensors in, tensors out.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "cli/classes.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/pictures.h"
#include "cli/stopwatch.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "formats/npy.h"

namespace skiff::cli {
namespace {

constexpr size_t kBest = 5;
constexpr size_t kNameWidth = 28;

struct RunOptions {
  ModelOptions model;
  PreprocessFlags preprocess;
  InputOptions inputs;
  std::vector<std::string> pictures;
  std::string labels;
  std::string output;
  bool json = false;
};

// One run of one model: its answer, and how long that took.
struct Answer {
  double ms = 0;
  std::vector<Ranked> best;  // of a classifier
  Json outputs = Json::array();
};

Json Summary(const std::string& name, const TensorView& output) {
  Json json{{"name", name}, {"dtype", Name(output.dtype)}, {"shape", output.dims}};
  if (output.dtype != DType::kFloat32 || output.bytes == 0) return json;
  const std::span<const float> values(static_cast<const float*>(output.data),
                                      output.bytes / sizeof(float));
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  double sum = 0;
  for (float value : values) sum += value;
  json["min"] = *least;
  json["max"] = *most;
  json["mean"] = sum / static_cast<double>(values.size());
  return json;
}

Result<Answer> RunOnce(Session& session) {
  Answer answer;
  const Stopwatch watch;
  SKIFF_RETURN_IF_ERROR(session.Run());
  answer.ms = watch.Ms();
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, session.Output(i));
    answer.outputs.push_back(Summary(session.outputs()[i].name, output));
  }
  if (const Result<Scores> scores = ReadScores(session); scores.ok()) {
    answer.best = TopK(scores->row(0), kBest);
  }
  return answer;
}

// "0.softmax_0.tmp_0.npy"; names may hold "/".
Status WriteOutputs(const Session& session, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return IoError(fmt::format("{}: {}", folder, error.message()));
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    std::string name = session.outputs()[i].name;
    std::replace(name.begin(), name.end(), '/', '|');
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, session.Output(i));
    const auto path = std::filesystem::path(folder) / fmt::format("{}.{}.npy", i, name);
    program::Tensor tensor{output.dtype, output.dims, {}, {}};
    tensor.data.bytes = {static_cast<const std::byte*>(output.data), output.bytes};
    SKIFF_RETURN_IF_ERROR(formats::WriteNpy(tensor, path.string()));
  }
  return OkStatus();
}

using Sessions = std::vector<std::unique_ptr<Session>>;

Result<Sessions> LoadAll(const RunOptions& options) {
  Sessions sessions;
  for (Precision precision : options.model.Precisions()) {
    SKIFF_ASSIGN_OR_RETURN(auto session, LoadSession(options.model, precision));
    sessions.push_back(std::move(session));
  }
  return sessions;
}

void PrintSummaries(const Json& outputs) {
  for (const Json& output : outputs) {
    fmt::print("  {}: {} {}", output["name"].get<std::string>(), output["dtype"].get<std::string>(),
               DimsText(output["shape"].get<std::vector<int64_t>>()));
    if (output.contains("mean")) {
      fmt::print(", from {:.6g} to {:.6g}, mean {:.6g}", output["min"].get<double>(),
                 output["max"].get<double>(), output["mean"].get<double>());
    }
    fmt::print("\n");
  }
}

// -- tensors

Status RunTensors(const RunOptions& options, Sessions& sessions) {
  SKIFF_ASSIGN_OR_RETURN(const Tensors tensors, ReadInputs(*sessions.front(), options.inputs));
  Json results = Json::array();
  for (const auto& session : sessions) {
    SKIFF_RETURN_IF_ERROR(SetInputs(*session, tensors));
    SKIFF_ASSIGN_OR_RETURN(Answer answer, RunOnce(*session));
    if (!options.output.empty()) SKIFF_RETURN_IF_ERROR(WriteOutputs(*session, options.output));
    const std::string_view precision = Name(session->precision());
    if (!options.json) {
      fmt::print("{}: {:.2f} ms\n", precision, answer.ms);
      PrintSummaries(answer.outputs);
    }
    results.push_back({{"precision", precision}, {"ms", answer.ms}, {"outputs", answer.outputs}});
  }
  if (options.json) {
    PrintJson({{"model", options.model.Title()},
               {"isa", sessions.front()->isa()},
               {"threads", options.model.threads},
               {"results", results}});
  }
  return OkStatus();
}

// -- pictures

Status FeedPicture(Session& session, const Picture& picture) {
  const std::array<int64_t, 4> dims = {1, 3, picture.height, picture.width};
  return session.SetInput(0, DType::kFloat32, dims, picture.planes.data());
}

Json BestJson(const Answer& answer, const Labels& labels, int label_offset) {
  Json top = Json::array();
  for (const Ranked& ranked : answer.best) {
    const int64_t label = ranked.index - label_offset;
    top.push_back({{"label", label}, {"name", labels.Name(label)}, {"score", ranked.score}});
  }
  return top;
}

class PictureRun {
 public:
  PictureRun(const RunOptions& options, const imaging::Preprocess& preprocess, Labels labels,
             Sessions& sessions)
      : options_(options),
        preprocess_(preprocess),
        labels_(std::move(labels)),
        sessions_(sessions) {}

  Status Run() {
    PictureReader reader(options_.pictures, preprocess_, IdleProcessors(options_.model.threads));
    bool first = true;
    for (const std::string& path : options_.pictures) {
      SKIFF_ASSIGN_OR_RETURN(const Picture picture, reader.Next());
      Row row{path, {}};
      for (const auto& session : sessions_) {
        SKIFF_RETURN_IF_ERROR(FeedPicture(*session, picture).WithContext(path));
        // The first run pays for memory and for compiling kernels; its time says nothing.
        if (first) SKIFF_RETURN_IF_ERROR(session->Run().WithContext(path));
        SKIFF_ASSIGN_OR_RETURN(Answer answer, RunOnce(*session));
        if (!options_.output.empty()) {
          SKIFF_RETURN_IF_ERROR(WriteOutputs(*session, OutputFolder(path)));
        }
        row.answers.push_back(std::move(answer));
      }
      first = false;
      rows_.push_back(std::move(row));
    }
    if (options_.json) {
      PrintJson(ToJson());
    } else if (sessions_.size() > 1) {
      PrintComparison();
    } else {
      PrintBest();
    }
    return OkStatus();
  }

 private:
  struct Row {
    std::string path;
    std::vector<Answer> answers;  // one for each session
  };

  // Of several pictures, each has a folder of its own.
  [[nodiscard]] std::string OutputFolder(const std::string& path) const {
    if (options_.pictures.size() == 1) return options_.output;
    return (std::filesystem::path(options_.output) / std::filesystem::path(path).filename())
        .string();
  }

  [[nodiscard]] double MedianMs(size_t session) const {
    std::vector<double> ms;
    for (const Row& row : rows_) ms.push_back(row.answers[session].ms);
    return Median(std::move(ms));
  }

  [[nodiscard]] Json ToJson() const {
    Json pictures = Json::array();
    for (const Row& row : rows_) {
      Json results = Json::array();
      for (size_t i = 0; i < sessions_.size(); ++i) {
        results.push_back({{"precision", Name(sessions_[i]->precision())},
                           {"ms", row.answers[i].ms},
                           {"top5", BestJson(row.answers[i], labels_, preprocess_.label_offset)},
                           {"outputs", row.answers[i].outputs}});
      }
      pictures.push_back({{"picture", row.path}, {"results", results}});
    }
    Json medians;
    for (size_t i = 0; i < sessions_.size(); ++i) {
      medians[std::string(Name(sessions_[i]->precision()))] = MedianMs(i);
    }
    return {{"model", options_.model.Title()},
            {"isa", sessions_.front()->isa()},
            {"threads", options_.model.threads},
            {"median_ms", medians},
            {"pictures", pictures}};
  }

  void PrintBest() const {
    for (const Row& row : rows_) {
      const Answer& answer = row.answers.front();
      fmt::print("{}  ({:.2f} ms)\n", row.path, answer.ms);
      if (answer.best.empty()) PrintSummaries(answer.outputs);
      for (const Ranked& ranked : answer.best) {
        const int64_t label = ranked.index - preprocess_.label_offset;
        fmt::print("  {:8.4f}  {:>4}  {}\n", ranked.score, label, labels_.Name(label));
      }
    }
    PrintFoot();
  }

  void PrintComparison() const {
    Table table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft,
                 Align::kRight, Align::kRight, Align::kLeft, Align::kRight, Align::kRight});
    std::vector<std::string> head = {"picture"};
    for (const auto& session : sessions_) {
      head.insert(head.end(), {std::string(Name(session->precision())), "score", "ms"});
    }
    table.Add(head);
    for (const Row& row : rows_) {
      std::vector<std::string> cells = {std::filesystem::path(row.path).filename().string()};
      for (const Answer& answer : row.answers) AddCells(answer, cells);
      table.Add(std::move(cells));
    }
    std::vector<std::string> foot = {"median"};
    for (size_t i = 0; i < sessions_.size(); ++i) {
      foot.insert(foot.end(), {"", "", fmt::format("{:.2f}", MedianMs(i))});
    }
    table.Add(std::move(foot));
    table.Print();
    PrintFoot();
  }

  void AddCells(const Answer& answer, std::vector<std::string>& cells) const {
    if (answer.best.empty()) {
      cells.insert(cells.end(), {"(not a classifier)", "", fmt::format("{:.2f}", answer.ms)});
      return;
    }
    const Ranked& best = answer.best.front();
    const std::string name = labels_.ShortName(best.index - preprocess_.label_offset);
    cells.insert(cells.end(), {Shorten(name, kNameWidth), fmt::format("{:.3f}", best.score),
                               fmt::format("{:.2f}", answer.ms)});
  }

  void PrintFoot() const {
    fmt::print("{}, {}, {} thread{}\n", options_.model.Title(), sessions_.front()->isa(),
               options_.model.threads, options_.model.threads == 1 ? "" : "s");
  }

  const RunOptions& options_;
  const imaging::Preprocess preprocess_;
  const Labels labels_;
  Sessions& sessions_;
  std::vector<Row> rows_;
};

Status Check(const RunOptions& options) {
  SKIFF_RETURN_IF_ERROR(RequireModel(options.model));
  if (options.pictures.empty() == options.inputs.files.empty()) {
    return InvalidArgument("pictures, or --input NAME=FILE.npy, are needed");
  }
  if (!options.output.empty() && options.model.Precisions().size() > 1) {
    return InvalidArgument("--output takes one precision");
  }
  return OkStatus();
}

Status Run(const RunOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(Sessions sessions, LoadAll(options));
  if (options.pictures.empty()) return RunTensors(options, sessions);
  SKIFF_RETURN_IF_ERROR(CheckTakesPictures(*sessions.front()));
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(options.preprocess, options.model.Folder()));
  SKIFF_ASSIGN_OR_RETURN(Labels labels, Labels::Find(options.labels, options.model.Folder()));
  return PictureRun(options, preprocess, std::move(labels), sessions).Run();
}

}  // namespace

void AddRun(Verbs& verbs) {
  Verb& verb = verbs.Add("run", "Run a model on pictures or tensors");
  auto options = std::make_shared<RunOptions>();
  verb.Texts({"pictures", "PICTURE", "JPEG or PNG pictures"}, options->pictures);
  AddSessionFlags(verb, options->model, PrecisionFlag::kSeveral);
  AddInputFileFlag(verb, options->inputs);
  verb.Text({"--output", "DIR", "Write outputs here, as INDEX.NAME.npy"}, options->output);
  verb.Text({"--labels", "FILE", "Names of the classes, one a line"}, options->labels);
  AddJsonFlag(verb, options->json);
  AddPreprocessFlags(verb, options->preprocess);
  verb.OnUse([options] { return Check(*options); }, [options] { return Run(*options); });
}

}  // namespace skiff::cli
