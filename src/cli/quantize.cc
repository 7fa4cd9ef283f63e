// skiff quantize: a float model and calibration data in, a quantised model out.
#include "skiff/quantize.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/options.h"
#include "cli/progress.h"
#include "cli/quantize_flags.h"
#include "cli/report.h"
#include "cli/stopwatch.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct QuantizeVerb {
  QuantizeFlags flags;
  std::string out;
  std::string report;
  bool no_check = false;
  bool json = false;
};

Json ToJson(const QuantizeVerb& verb, const QuantizeReport& report, double seconds) {
  Json json = {{"model", verb.flags.model.Title()},
               {"out", verb.out},
               {"algo", Name(verb.flags.options.algo)},
               {"onnx_format", verb.flags.options.onnx_format},
               {"seconds", seconds}};
  json.update(ReportJson(report));
  return json;
}

ReportTitle TitleOf(const QuantizeVerb& verb, const QuantizeReport& report, double seconds) {
  const QuantizeOptions& options = verb.flags.options;
  return {"Quantisation of " + verb.flags.model.Title(),
          {{"written to", verb.out},
           {"algorithm", std::string(Name(options.algo))},
           {"format", options.onnx_format ? "onnx" : "old"},
           {"data", fmt::format("{}, {} batches of {}", verb.flags.data, report.batches,
                                verb.flags.batch_size)},
           {"took", fmt::format("{:.1f} s", seconds)}}};
}

void PrintTable(const QuantizeReport& report) {
  const bool sensitivity =
      std::any_of(report.layers.begin(), report.layers.end(),
                  [](const QuantizedLayer& l) { return l.figures.sensitivity.has_value(); });
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight,
               Align::kRight, Align::kLeft});
  table.Add({"#", "operator", "name", "threshold", "largest", sensitivity ? "sensitivity" : "",
             "why not"});
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const QuantizedLayer& layer = report.layers[i];
    const bool is_float = !layer.why_float.empty();
    table.Add({fmt::format("{}", i), layer.op, Shorten(layer.name, 32),
               is_float ? "" : fmt::format("{:.4g}", layer.threshold),
               is_float ? "" : fmt::format("{:.4g}", layer.largest),
               layer.figures.sensitivity ? fmt::format("{:.2e}", *layer.figures.sensitivity) : "",
               layer.why_float});
  }
  table.Print();
}

std::string Gain(double before, double after) {
  return after > 0 ? fmt::format(" ({:.2f}x)", before / after) : "";
}

void Print(const QuantizeVerb& verb, const QuantizeReport& report, double seconds) {
  PrintTable(report);
  const auto quantized = std::count_if(report.layers.begin(), report.layers.end(),
                                       [](const QuantizedLayer& l) { return l.why_float.empty(); });
  fmt::print("\n{} of {} operators quantised by {} over {} batches in {:.1f} s: {}\n", quantized,
             report.layers.size(), Name(verb.flags.options.algo), report.batches, seconds,
             verb.out);
  if (report.accuracy) {
    const AccuracyFigures& a = *report.accuracy;
    fmt::print("top-1: {:.2f} % in float, {:.2f} % quantised, paired sigma {:.2f}, {} pictures\n",
               100 * a.top1_fp32, 100 * a.top1_int8, 100 * a.sigma, a.samples);
  }
  const OutputFigures& output = report.output;
  if (output.samples > 0 && output.classifier) {
    fmt::print("against float: {:.1f} % of {} labels are the same, mean divergence {:.4f} nats\n",
               100 * output.agreement, output.samples, output.divergence);
  } else if (output.samples > 0) {
    fmt::print("against float: {:.1f} dB of signal to noise, cosine {:.5f}, {} samples\n",
               output.error.sqnr_db, output.error.cosine, output.samples);
  }
  if (report.speed.ms_int8 > 0) {
    fmt::print("one sample: {:.2f} ms in float, {:.2f} ms quantised{}\n", report.speed.ms_fp32,
               report.speed.ms_int8, Gain(report.speed.ms_fp32, report.speed.ms_int8));
  }
  for (const Advice& advice : report.advice) {
    fmt::print("next: {}{}{}\n", advice.title, advice.flags.empty() ? "" : ": ", advice.flags);
  }
}

Status Run(QuantizeVerb& verb) {
  QuantizeOptions& options = verb.flags.options;
  options.report = !verb.report.empty() ? ReportDetail::kLayers
                   : verb.no_check      ? ReportDetail::kNone
                                        : ReportDetail::kOutput;
  SKIFF_ASSIGN_OR_RETURN(const auto data, ResolveQuantizeFlags(verb.flags));
  const Stopwatch watch;
  StageProgress progress;
  const Result<QuantizeReport> report =
      Quantize(verb.flags.model.Source(), *data, options, verb.out, progress.Callback());
  progress.Clear();
  if (!report.ok()) return report.status();
  const double seconds = watch.Ms() / 1000;
  if (verb.json) {
    PrintJson(ToJson(verb, *report, seconds));
  } else {
    Print(verb, *report, seconds);
  }
  if (!verb.report.empty()) {
    SKIFF_ASSIGN_OR_RETURN(const std::string page,
                           WriteReport(verb.report, TitleOf(verb, *report, seconds), *report));
    if (!verb.json) fmt::print("report: {}\n", page);
  }
  for (const std::string& warning : report->warnings) {
    fmt::print(stderr, "skiff: warning: {}\n", warning);
  }
  return OkStatus();
}

}  // namespace

void AddQuantize(Verbs& verbs) {
  Verb& verb = verbs.Add("quantize", "Make an INT8 model from a float one and calibration data");
  auto state = std::make_shared<QuantizeVerb>();
  Flag out{"--out", "DIR", "Folder for the quantised model"};
  out.required = true;
  verb.Text(out, state->out);
  AddCalibrationFlags(verb, state->flags);
  verb.Text({"--report", "PATH",
             "A folder, or FILE.html: measure every layer, write a page, a .csv and a .json"},
            state->report);
  verb.Switch({"--no_check", "", "Do not compare the output with the float model's at the end"},
              state->no_check);
  AddEvaluationFlag(verb, state->flags);
  verb.Number({"--max_drop", "POINTS",
               "Leave the fewest layers in float with which top-1 drops by no more: chosen on the "
               "even lines of --eval_list, reported on the odd ones"},
              state->flags.options.max_drop, 0.0, 100.0);
  verb.Switch({"--sensitivity", "", "Measure what the rounding of each layer costs the output"},
              state->flags.options.sensitivity);
  AddAlgorithmFlags(verb, state->flags);
  AddJsonFlag(verb, state->json);
  AddPreprocessFlags(verb, state->flags.preprocess);
  verb.OnUse(
      [state] {
        if (state->flags.options.max_drop && state->flags.eval_list.empty()) {
          return InvalidArgument("--max_drop needs --eval_list");
        }
        return CheckQuantizeFlags(state->flags);
      },
      [state] { return Run(*state); });
}

}  // namespace skiff::cli
