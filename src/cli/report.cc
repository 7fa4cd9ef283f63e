#include "cli/report.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "formats/file.h"

namespace skiff::cli {
namespace {

namespace fs = std::filesystem;

Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json ErrorJson(const OutputError& error) {
  return {{"sqnr_db", Number(error.sqnr_db)}, {"cosine", Number(error.cosine)}};
}

Json FiguresJson(const LayerFigures& f) {
  const ActivationFigures& a = f.activation;
  return {{"batches", f.batches},
          {"activation",
           {{"least", Number(a.least)},
            {"largest", Number(a.largest)},
            {"mean", a.mean},
            {"deviation", a.deviation},
            {"clipped", a.clipped},
            {"zeroed", a.zeroed},
            {"histogram",
             {{"low", a.histogram.low}, {"high", a.histogram.high}, {"bins", a.histogram.bins}}}}},
          {"weight",
           {{"quartiles", f.weight.quartiles},
            {"deviation", f.weight.deviation},
            {"spread", f.weight.spread},
            {"sqnr_db", Number(f.weight.sqnr_db)}}},
          {"alone", ErrorJson(f.alone)},
          {"cumulative", ErrorJson(f.cumulative)},
          {"multiply_adds", f.multiply_adds},
          {"ms_fp32", f.ms_fp32},
          {"ms_int8", f.ms_int8},
          {"sensitivity", f.sensitivity ? Json(*f.sensitivity) : Json(nullptr)}};
}

Json LayerJson(const QuantizedLayer& layer) {
  Json json = {{"op", layer.op},
               {"name", layer.name},
               {"activation", layer.activation},
               {"weight", layer.weight},
               {"threshold", layer.threshold},
               {"largest", layer.largest},
               {"why_float", layer.why_float},
               {"predicted_us_fp32", layer.predicted_us_fp32},
               {"predicted_us_int8", layer.predicted_us_int8}};
  if (layer.figures.batches > 0) {
    json["figures"] = FiguresJson(layer.figures);
  } else if (layer.figures.sensitivity) {
    json["figures"] = {{"sensitivity", *layer.figures.sensitivity}};
  }
  return json;
}

Json AccuracyJson(const AccuracyFigures& accuracy) {
  Json trials = Json::array();
  for (const AccuracyFigures::Trial& trial : accuracy.trials) {
    trials.push_back({{"float_layers", trial.float_layers}, {"drop", trial.drop}});
  }
  return {{"samples", accuracy.samples},     {"top1_fp32", accuracy.top1_fp32},
          {"top1_int8", accuracy.top1_int8}, {"agreement", accuracy.agreement},
          {"sigma", accuracy.sigma},         {"trials", trials}};
}

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Json ReportJson(const QuantizeReport& report) {
  Json layers = Json::array();
  for (const QuantizedLayer& layer : report.layers) layers.push_back(LayerJson(layer));
  Json advice = Json::array();
  for (const Advice& a : report.advice) {
    advice.push_back({{"title", a.title}, {"text", a.text}, {"flags", a.flags}});
  }
  const OutputFigures& output = report.output;
  Json json = {{"batches", report.batches}, {"warnings", report.warnings}};
  if (output.samples > 0) {
    json["output"] = {{"samples", output.samples},
                      {"sqnr_db", Number(output.error.sqnr_db)},
                      {"cosine", Number(output.error.cosine)}};
    if (output.classifier) {
      json["output"]["agreement"] = output.agreement;
      json["output"]["divergence"] = Number(output.divergence);
    }
  }
  if (report.accuracy) json["accuracy"] = AccuracyJson(*report.accuracy);
  if (report.size.bytes_fp32 > 0) {
    json["size"] = {{"bytes_fp32", report.size.bytes_fp32}, {"bytes_int8", report.size.bytes_int8}};
  }
  if (report.speed.ms_int8 > 0) {
    json["speed"] = {{"ms_fp32", report.speed.ms_fp32},
                     {"ms_int8", report.speed.ms_int8},
                     {"threads", report.speed.threads},
                     {"isa", report.speed.isa}};
  }
  json["advice"] = advice;
  json["layers"] = layers;
  return json;
}

std::string ReportCsv(const QuantizeReport& report) {
  std::string csv =
      "layer,op,name,precision,why_float,activation,weight,threshold,largest,clipped,zeroed,"
      "sqnr_db,cosine,cumulative_sqnr_db,cumulative_cosine,weight_sqnr_db,weight_spread,"
      "sensitivity,multiply_adds,ms_fp32,ms_int8,predicted_us_fp32,"
      "predicted_us_int8\n";
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const QuantizedLayer& l = report.layers[i];
    const LayerFigures& f = l.figures;
    csv += fmt::format(
        "{},{},{},{},{},{},{},{:.7g},{:.7g},{:.6g},{:.6g},{:.3f},{:.6f},{:.3f},{:.6f},{:.3f},"
        "{:.3f},{},{},{:.4f},{:.4f},{:.2f},{:.2f}\n",
        i, l.op, CsvText(l.name), l.why_float.empty() ? "int8" : "float", CsvText(l.why_float),
        CsvText(l.activation), CsvText(l.weight), l.threshold, l.largest, f.activation.clipped,
        f.activation.zeroed, f.alone.sqnr_db, f.alone.cosine, f.cumulative.sqnr_db,
        f.cumulative.cosine, f.weight.sqnr_db, f.weight.spread,
        f.sensitivity ? fmt::format("{:.6g}", *f.sensitivity) : "", f.multiply_adds, f.ms_fp32,
        f.ms_int8, l.predicted_us_fp32, l.predicted_us_int8);
  }
  return csv;
}

Result<std::string> WriteReport(const std::string& path, const ReportTitle& title,
                                const QuantizeReport& report) {
  const bool named = fs::path(path).extension() == ".html";
  const fs::path page = named ? fs::path(path) : fs::path(path) / "report.html";
  std::error_code error;
  if (page.has_parent_path()) fs::create_directories(page.parent_path(), error);
  if (error) return IoError(page.parent_path().string() + ": " + error.message());
  const auto beside = [&page](const char* extension) {
    return fs::path(page).replace_extension(extension).string();
  };
  SKIFF_RETURN_IF_ERROR(formats::WriteFile(beside(".csv"), ReportCsv(report)));
  SKIFF_RETURN_IF_ERROR(formats::WriteFile(beside(".json"), ReportJson(report).dump(1) + "\n"));
  SKIFF_RETURN_IF_ERROR(formats::WriteFile(page.string(), ReportHtml(title, report)));
  return page.string();
}

}  // namespace skiff::cli
