// skiff bench: how long one run takes.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>

#include "cli/inputs.h"
#include "cli/layers.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stopwatch.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "skiff/autotune.h"

namespace skiff::cli {
namespace {

constexpr int kMinRuns = 5;
constexpr int kMaxProfiledRuns = 50;

struct BenchOptions {
  ModelOptions model;
  PreprocessFlags preprocess;
  InputOptions inputs;
  int warmup = 5;
  int repeats = 0;  // 0: as many as fit in `seconds`
  double seconds = 3;
  bool profile = false;
  bool serve = false;
  bool autotune = false;
  bool json = false;
};

// What keeps the reading of outputs from being optimised away.
volatile uint64_t output_sink = 0;

// Reads every byte of every output, as a user would.
Status ReadOutputs(const Session& session) {
  uint64_t sum = 0;
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, session.Output(i));
    const std::span bytes(static_cast<const uint8_t*>(output.data), output.bytes);
    for (uint8_t byte : bytes) sum += byte;
  }
  output_sink = sum;
  return OkStatus();
}

Status RunOnce(Session& session, const Tensors& inputs) {
  SKIFF_RETURN_IF_ERROR(SetInputs(session, inputs));
  SKIFF_RETURN_IF_ERROR(session.Run());
  return ReadOutputs(session);
}

// Milliseconds of every run, sorted.
Result<std::vector<double>> Measure(Session& session, const Tensors& inputs,
                                    const BenchOptions& options) {
  for (int i = 0; i < std::max(options.warmup, 1); ++i) {
    SKIFF_RETURN_IF_ERROR(RunOnce(session, inputs));
  }
  std::vector<double> ms;
  const Stopwatch all;
  const auto enough = [&] {
    const int runs = static_cast<int>(ms.size());
    if (options.repeats > 0) return runs >= options.repeats;
    return runs >= kMinRuns && all.Ms() >= options.seconds * 1000;
  };
  while (!enough()) {
    const Stopwatch watch;
    SKIFF_RETURN_IF_ERROR(RunOnce(session, inputs));
    ms.push_back(watch.Ms());
  }
  std::sort(ms.begin(), ms.end());
  return ms;
}

// A session of its own, so that the clock reads of profiling do not weigh on what is measured.
Result<std::vector<LayerInfo>> Profile(const BenchOptions& options, const Tensors& inputs,
                                       int runs) {
  SKIFF_ASSIGN_OR_RETURN(auto session,
                         LoadSession(options.model, options.model.Precisions().front(), true));
  SKIFF_RETURN_IF_ERROR(RunOnce(*session, inputs));
  session->ResetProfile();
  for (int i = 0; i < runs; ++i) SKIFF_RETURN_IF_ERROR(RunOnce(*session, inputs));
  return session->Layers();
}

void AnswerLine(const Json& json) { std::cout << json.dump() << std::endl; }

// What bench/peers/serve.py describes: rounds of runs, timed when a line asks for them.
Status Serve(const BenchOptions& options, const imaging::Preprocess& preprocess) {
  const Stopwatch loading;
  SKIFF_ASSIGN_OR_RETURN(auto session,
                         LoadSession(options.model, options.model.Precisions().front(),
                                     /*profile=*/false, /*warm_up=*/true));
  const double load_ms = loading.Ms();
  SKIFF_ASSIGN_OR_RETURN(const auto inputs, MakeInputs(*session, options.inputs, preprocess));
  const Stopwatch first;
  SKIFF_RETURN_IF_ERROR(RunOnce(*session, inputs));
  AnswerLine({{"load_ms", load_ms},
              {"first_ms", first.Ms()},
              {"version", SKIFF_VERSION},
              {"isa", session->isa()}});
  for (std::string line; std::getline(std::cin, line);) {
    double seconds = 0;
    size_t least = 0;
    if (!(std::istringstream(line) >> seconds >> least)) {
      return InvalidArgument("--serve: \"" + line + "\" is not SECONDS LEAST");
    }
    std::vector<double> ms;
    const Stopwatch round;
    while (ms.size() < least || round.Ms() < seconds * 1000) {
      const Stopwatch watch;
      SKIFF_RETURN_IF_ERROR(RunOnce(*session, inputs));
      ms.push_back(watch.Ms());
    }
    AnswerLine({{"ms", ms}});
  }
  return OkStatus();
}

// Measures the kernels of every layer for these inputs, and loads the model anew with those that
// are the fastest.
Result<std::unique_ptr<Session>> TuneKernels(const BenchOptions& options, const Tensors& inputs) {
  const Precision precision = options.model.Precisions().front();
  std::vector<TensorView> views;
  for (const program::Tensor& t : inputs) {
    views.push_back({t.dtype, t.dims, t.data.bytes.data(), t.data.bytes.size()});
  }
  StageProgress progress;
  const auto report = progress.Callback();
  const Result<AutotuneResult> result =
      Autotune(options.model.Source(), OptionsOf(options.model, precision), views,
               [&](int64_t done, int64_t total) { report("measuring kernels", done, total); });
  progress.Clear();
  if (!result.ok()) return result.status();
  double before = 0;
  double after = 0;
  size_t changed = 0;
  for (const AutotunedLayer& layer : result->layers) {
    before += layer.default_ms;
    after += layer.ms;
    if (layer.kernel == layer.default_kernel) continue;
    ++changed;
    fmt::print(stderr, "{} x {}: {} -> {}, {:.3f} -> {:.3f} ms\n", layer.count, layer.layer,
               layer.default_kernel, layer.kernel, layer.default_ms, layer.ms);
  }
  fmt::print(stderr,
             "skiff: {} of {} kinds of layers run on another kernel, {:.3f} -> {:.3f} ms; {}\n",
             changed, result->layers.size(), before, after, result->file);
  return LoadSession(options.model, precision);
}

Json ToJson(const BenchOptions& options, const Session& session, const Tensors& inputs,
            const std::vector<double>& ms) {
  double total = 0;
  for (double run : ms) total += run;
  const auto samples = static_cast<double>(inputs.front().dims.empty() ? 1 : inputs[0].dims[0]);
  Json shapes;
  for (size_t i = 0; i < inputs.size(); ++i) shapes[session.inputs()[i].name] = inputs[i].dims;
  return {{"model", options.model.Title()},
          {"precision", Name(session.precision())},
          {"isa", session.isa()},
          {"threads", options.model.threads},
          {"batch_size", static_cast<int64_t>(samples)},
          {"input_shapes", shapes},
          {"runs", ms.size()},
          {"median_ms", Percentile(ms, 0.5)},
          {"p90_ms", Percentile(ms, 0.9)},
          {"p99_ms", Percentile(ms, 0.99)},
          {"min_ms", ms.front()},
          {"mean_ms", total / static_cast<double>(ms.size())},
          {"throughput", samples * static_cast<double>(ms.size()) * 1000 / total},
          {"activation_bytes", session.activation_bytes()}};
}

void Print(const Json& json) {
  fmt::print("{}, {}, {}, {} thread(s), batch {}\n", json["model"].get<std::string>(),
             json["precision"].get<std::string>(), json["isa"].get<std::string>(),
             json["threads"].get<int>(), json["batch_size"].get<int64_t>());
  fmt::print("median {:.3f} ms   p90 {:.3f}   p99 {:.3f}   least {:.3f}   ({} runs)\n",
             json["median_ms"].get<double>(), json["p90_ms"].get<double>(),
             json["p99_ms"].get<double>(), json["min_ms"].get<double>(),
             json["runs"].get<int64_t>());
  fmt::print("{:.1f} samples a second, {:.1f} MiB of activations\n",
             json["throughput"].get<double>(), json["activation_bytes"].get<double>() / (1 << 20));
}

Status Bench(const BenchOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(options.preprocess, options.model.Folder()));
  if (options.serve) return Serve(options, preprocess);
  SKIFF_ASSIGN_OR_RETURN(auto session,
                         LoadSession(options.model, options.model.Precisions().front()));
  SKIFF_ASSIGN_OR_RETURN(const auto inputs, MakeInputs(*session, options.inputs, preprocess));
  if (inputs.empty()) return InvalidArgument("the model has no input");
  if (options.autotune) {
    SKIFF_ASSIGN_OR_RETURN(session, TuneKernels(options, inputs));
  }
  SKIFF_ASSIGN_OR_RETURN(const auto ms, Measure(*session, inputs, options));
  Json json = ToJson(options, *session, inputs, ms);
  if (!options.json) Print(json);
  if (options.profile) {
    const int runs = std::min(static_cast<int>(ms.size()), kMaxProfiledRuns);
    SKIFF_ASSIGN_OR_RETURN(const auto layers, Profile(options, inputs, runs));
    json["layers"] = LayersJson(layers);
    json["operators"] = OperatorsJson(layers);
    if (!options.json) {
      fmt::print("\n");
      PrintLayers(layers);
      fmt::print("\n");
      PrintOperators(layers);
    }
  }
  if (options.json) PrintJson(json);
  return OkStatus();
}

Status CheckBench(const BenchOptions& options) {
  if (options.autotune && options.model.optim_cache_dir.empty()) {
    return InvalidArgument("--autotune needs --optim_cache_dir, where it keeps what it finds");
  }
  return RequireModel(options.model);
}

}  // namespace

void AddBench(Verbs& verbs) {
  Verb& verb = verbs.Add("bench", "Measure latency and throughput");
  auto options = std::make_shared<BenchOptions>();
  AddSessionFlags(verb, options->model, PrecisionFlag::kOne);
  AddShapeFlags(verb, options->inputs);
  AddInputFileFlag(verb, options->inputs);
  verb.Number({"--warmup", "N", "Runs before the clock starts"}, options->warmup, 0, 1'000'000);
  verb.Number({"--repeats", "N", "Runs that are measured"}, options->repeats, 1, 10'000'000,
              /*show_initial=*/false);
  Flag seconds{"--seconds", "S", "Time that measuring may take, unless --repeats is said"};
  seconds.excludes = "--repeats";
  verb.Number(seconds, options->seconds, 0.0, 86400.0);
  verb.Switch({"--profile", "", "Time by layer and by operator type too"}, options->profile);
  verb.Switch({"--serve", "", "Time rounds asked for on standard input (bench/README.md)"},
              options->serve);
  verb.Switch({"--autotune", "",
               "Measure each layer's kernels first and keep the fastest in --optim_cache_dir"},
              options->autotune);
  AddJsonFlag(verb, options->json);
  AddPreprocessFlags(verb, options->preprocess);
  verb.OnUse([options] { return CheckBench(*options); }, [options] { return Bench(*options); });
}

}  // namespace skiff::cli
