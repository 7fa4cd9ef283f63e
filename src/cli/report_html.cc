// The report as one page: its style and charts are inside it, it loads nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/report.h"
#include "cli/report_charts.h"

namespace skiff::cli {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--page:#f7f7f5;--card:#fff;--ink:#1c1f23;--soft:#5d646d;--line:#e2e3e0;
--int8:#1f6f8b;--fp32:#b9c1c9;--warn:#b3261e;--warnbg:#fdecea;--good:#2b7a3d;--mark:#d9822b;--code:#eef1f2}
@media(prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--ink:#e6e8ea;--soft:#9aa3ad;--line:#2e343a;
--int8:#5cb3d1;--fp32:#59636d;--warn:#ff8a80;--warnbg:#3a1d1b;--good:#7fd08f;--mark:#f0a95c;--code:#272c31}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1240px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:28px;line-height:1.2;letter-spacing:-.015em;margin:0 0 6px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:19px;letter-spacing:-.01em;margin:44px 0 4px;font-weight:650}
h3{font-size:15px;margin:0;font-weight:650}
p{margin:0 0 12px;max-width:74ch}.soft{color:var(--soft)}
.facts{color:var(--soft);font-size:13.5px;margin:0 0 24px;display:flex;flex-wrap:wrap;gap:2px 18px}
.facts b{color:var(--ink);font-weight:500;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:0 0 8px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile .name{font-size:12.5px;color:var(--soft)}.tile .value{font-size:25px;font-weight:620;letter-spacing:-.02em;line-height:1.25}
.tile .more{font-size:12.5px;color:var(--soft)}
.warning{background:var(--warnbg);border:1px solid var(--warn);border-radius:10px;padding:14px 16px;margin:0 0 16px}
.warning b{color:var(--warn)}
.advice{display:grid;gap:10px;margin-top:12px}.advice p{margin:3px 0 0}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--code);border-radius:5px;padding:2px 6px}
.advice code{display:inline-block;margin-top:8px;overflow-wrap:anywhere}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
.pad{padding:14px 14px 8px}
table{border-collapse:collapse;width:100%;font-size:12.5px;white-space:nowrap}
th,td{padding:5px 6px;text-align:right;border-bottom:1px solid var(--line)}
th{font-weight:550;color:var(--soft);font-size:12px;position:sticky;top:0;background:var(--card);vertical-align:bottom}
tr:last-child td{border-bottom:0}tbody tr:hover{background:color-mix(in srgb,var(--int8) 7%,transparent)}
.l{text-align:left}.bad{color:var(--warn);font-weight:600}.fl{color:var(--soft)}
td a{color:inherit;text-decoration:none}td a:hover{text-decoration:underline}
.pill{display:inline-block;border-radius:20px;padding:0 8px;font-size:11.5px;line-height:18px;font-weight:600;
background:color-mix(in srgb,var(--int8) 16%,transparent);color:var(--int8)}
.pill.fp{background:var(--code);color:var(--soft)}
.legend{display:flex;gap:18px;font-size:12.5px;color:var(--soft);margin:0 0 8px;flex-wrap:wrap}
.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px;vertical-align:-1px}
.layers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:14px;margin-top:12px}
.layer{scroll-margin-top:14px;min-width:0}.layer:target{outline:2px solid var(--int8)}
.layer header{display:flex;gap:10px;align-items:baseline;margin-bottom:2px}
.layer header h3{overflow-wrap:anywhere}.layer header .no{color:var(--soft);font-size:12.5px}
.layer .cap{font-size:12.5px;color:var(--soft);margin:8px 0 2px;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(104px,1fr));gap:8px 12px;margin:8px 0 0}
dt{font-size:11.5px;color:var(--soft)}dd{margin:0;font-size:13.5px}
svg.chart{display:block}.wide svg.chart{width:100%;height:auto;max-height:300px}svg.fit{width:100%;height:auto}
.grid{stroke:var(--line);stroke-width:1}.tick{font-size:10.5px;fill:var(--soft)}.area{fill:var(--int8);opacity:.75}
.beyond{fill:var(--warn);opacity:.13}.limit{stroke:var(--warn);stroke-width:1.5}
.bar.int8{fill:var(--int8)}.bar.fp32{fill:var(--fp32)}a:hover .bar{opacity:.7}
.line{fill:none;stroke:var(--mark);stroke-width:1.8;stroke-linejoin:round}
.whisker{stroke:var(--soft);stroke-width:1.2}.box{fill:var(--fp32)}.median{stroke:var(--int8);stroke-width:2}
footer{margin-top:48px;color:var(--soft);font-size:12.5px}
@media(max-width:600px){main{padding:24px 14px 60px}h1{font-size:23px}.op{display:none}}
@media print{body{background:#fff}.scroll{overflow:visible}.layer{break-inside:avoid}}
)";

// Below this a layer's own error is worth a red figure.
constexpr double kNoisyDb = 15;

std::string Decibels(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f}", value) : "exact";
}

std::string PerCent(double share, int digits = 2) {
  return fmt::format("{:.{}f} %", 100 * share, digits);
}

std::string Megabytes(int64_t bytes) {
  return fmt::format("{:.2f} MB", static_cast<double>(bytes) / 1e6);
}

std::string Millions(int64_t count) {
  return count > 0 ? fmt::format("{:.1f}", static_cast<double>(count) / 1e6) : "";
}

std::string Tile(std::string_view name, std::string_view value, std::string_view more) {
  return fmt::format(
      "<div class=\"tile\"><div class=\"name\">{}</div><div class=\"value\">{}</div>"
      "<div class=\"more\">{}</div></div>\n",
      EscapeHtml(name), EscapeHtml(value), EscapeHtml(more));
}

std::string Tiles(const QuantizeReport& report) {
  std::string html = "<div class=\"tiles\">\n";
  if (report.accuracy) {
    const AccuracyFigures& a = *report.accuracy;
    html += Tile(
        "Top-1", PerCent(a.top1_int8),
        fmt::format("float {}; {:+.2f} points, sigma {:.2f}; {} pictures", PerCent(a.top1_fp32),
                    100 * (a.top1_int8 - a.top1_fp32), 100 * a.sigma, a.samples));
  }
  const OutputFigures& output = report.output;
  if (output.samples > 0 && output.classifier) {
    html += Tile("Labels as in float", PerCent(output.agreement, 1),
                 fmt::format("of {} calibration samples", output.samples));
    html += Tile("Mean divergence", fmt::format("{:.4f}", output.divergence),
                 "nats, from float to INT8");
  } else if (output.samples > 0) {
    html += Tile("Output against float", Decibels(output.error.sqnr_db) + " dB",
                 fmt::format("cosine {:.5f}, {} samples", output.error.cosine, output.samples));
  }
  const auto quantized = std::count_if(report.layers.begin(), report.layers.end(),
                                       [](const QuantizedLayer& l) { return l.why_float.empty(); });
  html += Tile("Operators in INT8", fmt::format("{} of {}", quantized, report.layers.size()),
               "of those with a weight");
  if (report.size.bytes_int8 > 0) {
    html += Tile("Parameters", Megabytes(report.size.bytes_int8),
                 fmt::format("from {}, {:.0f} %", Megabytes(report.size.bytes_fp32),
                             100.0 * static_cast<double>(report.size.bytes_int8) /
                                 static_cast<double>(report.size.bytes_fp32)));
  }
  if (report.speed.ms_int8 > 0) {
    html +=
        Tile("One sample", fmt::format("{:.2f} ms", report.speed.ms_int8),
             fmt::format("from {:.2f} ms, {:.2f}x; {}, {} {}", report.speed.ms_fp32,
                         report.speed.ms_fp32 / report.speed.ms_int8, report.speed.isa,
                         report.speed.threads, report.speed.threads == 1 ? "thread" : "threads"));
  }
  return html + "</div>\n";
}

std::string AdviceSection(const std::vector<Advice>& advice) {
  if (advice.empty()) return "";
  std::string html = "<h2>Which knob to turn next</h2>\n<div class=\"advice\">\n";
  for (const Advice& a : advice) {
    html += fmt::format("<div class=\"card\"><h3>{}</h3><p class=\"soft\">{}</p>",
                        EscapeHtml(a.title), EscapeHtml(a.text));
    if (!a.flags.empty()) html += "<code>" + EscapeHtml(a.flags) + "</code>";
    html += "</div>\n";
  }
  return html + "</div>\n";
}

std::string TrialSection(const QuantizeReport& report) {
  if (!report.accuracy || report.accuracy->trials.empty()) return "";
  std::string html =
      "<h2>The fewest layers in float</h2>\n<p class=\"soft\">Layers are put back to float, the "
      "most "
      "sensitive first, until the drop on the choosing half of the list meets the bound. The top-1 "
      "above is of the other half.</p>\n<div class=\"scroll\"><table><thead><tr><th "
      "class=\"l\">Layers "
      "in float</th><th>Drop, points</th></tr></thead><tbody>\n";
  for (const AccuracyFigures::Trial& trial : report.accuracy->trials) {
    html += fmt::format("<tr><td class=\"l\">{}</td><td>{:.2f}</td></tr>\n", trial.float_layers,
                        100 * trial.drop);
  }
  return html + "</tbody></table></div>\n";
}

std::string Charts(const QuantizeReport& report) {
  std::string html =
      "<h2>Signal to noise</h2>\n<p class=\"soft\">How much of a layer's output survives, in "
      "decibels. Six more halve the error.</p>\n<div class=\"scroll pad wide\"><div "
      "class=\"legend\">"
      "<span><i style=\"background:var(--int8)\"></i>the layer alone, on float inputs</span><span>"
      "<i style=\"background:var(--mark)\"></i>with all layers quantised</span></div>" +
      NoiseChart(report.layers) + "</div>\n";
  if (report.speed.ms_int8 <= 0) return html;
  html +=
      "<h2>Time</h2>\n<p class=\"soft\">Of one run of one sample on this machine, what is fused "
      "behind a layer included.</p>\n<div class=\"scroll pad wide\"><div class=\"legend\"><span>"
      "<i style=\"background:var(--fp32)\"></i>float</span><span>"
      "<i style=\"background:var(--int8)\"></i>quantised</span></div>" +
      TimeChart(report.layers) + "</div>\n";
  return html;
}

// Milliseconds in float and quantised; empty where there are none.
std::string FromTo(double fp32, double int8) {
  return fp32 > 0 ? fmt::format("{:.3f} &rarr; {:.3f}", fp32, int8) : "";
}

std::string Cell(const std::string& text, bool bad = false) {
  return fmt::format("<td{}>{}</td>", bad ? " class=\"bad\"" : "", text);
}

bool AnySensitivity(const QuantizeReport& report) {
  return std::any_of(report.layers.begin(), report.layers.end(),
                     [](const QuantizedLayer& l) { return l.figures.sensitivity.has_value(); });
}

std::string Row(size_t index, const QuantizedLayer& layer, bool sensitivity) {
  const LayerFigures& f = layer.figures;
  const bool int8 = layer.why_float.empty();
  std::string html = fmt::format(
      "<tr><td>{0}</td><td class=\"l\"><a href=\"#layer-{0}\">{1}</a></td><td class=\"l "
      "op\">{2}</td>"
      "<td class=\"l\"><span class=\"pill{3}\">{4}</span></td>",
      index, EscapeHtml(layer.name), EscapeHtml(layer.op), int8 ? "" : " fp",
      int8 ? "INT8" : "float");
  if (f.batches == 0) {
    return html + fmt::format("<td class=\"l fl\" colspan=\"{}\">{}</td></tr>\n",
                              sensitivity ? 10 : 9, EscapeHtml(layer.why_float));
  }
  html += "<td class=\"l\">" + HistogramSpark(f.activation.histogram, layer.threshold) + "</td>";
  html += Cell(int8 ? fmt::format("{:.4g}", layer.threshold) : "");
  html += Cell(int8 ? PerCent(f.activation.clipped, 3) : "", f.activation.clipped > 0.005);
  html += Cell(int8 ? Decibels(f.alone.sqnr_db) : "", int8 && f.alone.sqnr_db < kNoisyDb);
  html += Cell(Decibels(f.cumulative.sqnr_db));
  html += Cell(int8 ? Decibels(f.weight.sqnr_db) : "");
  if (sensitivity) html += Cell(f.sensitivity ? fmt::format("{:.2e}", *f.sensitivity) : "");
  html += Cell(Millions(f.multiply_adds));
  html += Cell(FromTo(f.ms_fp32, f.ms_int8), int8 && f.ms_int8 > 1.1 * f.ms_fp32);
  html += Cell(FromTo(layer.predicted_us_fp32 / 1000, layer.predicted_us_int8 / 1000));
  return html + "</tr>\n";
}

std::string LayerTable(const QuantizeReport& report) {
  const bool sensitivity = AnySensitivity(report);
  std::string html = fmt::format(
      "<h2>Layers</h2>\n<div class=\"scroll\"><table><thead><tr><th>#</th><th "
      "class=\"l\">Output</th>"
      "<th class=\"l op\">Operator</th><th class=\"l\">Runs in</th><th class=\"l\">Activation</th>"
      "<th>Threshold</th><th>Clipped</th><th>Alone,<br>dB</th><th>All,<br>dB</th>"
      "<th>Weight,<br>dB</th>{}<th>Million<br>madds</th><th>Time, ms,<br>float &rarr; now</th>"
      "<th>Predicted<br>for it</th></tr></thead><tbody>\n",
      sensitivity ? "<th>Sensitivity</th>" : "");
  for (size_t i = 0; i < report.layers.size(); ++i) html += Row(i, report.layers[i], sensitivity);
  return html + "</tbody></table></div>\n";
}

std::string Term(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string LayerCard(size_t index, const QuantizedLayer& layer) {
  const LayerFigures& f = layer.figures;
  const bool int8 = layer.why_float.empty();
  std::string html = fmt::format(
      "<section class=\"card layer\" id=\"layer-{0}\"><header><span class=\"no\">{0}</span>"
      "<h3>{1}</h3><span class=\"pill{2}\">{3}</span></header>\n",
      index, EscapeHtml(layer.name), int8 ? "" : " fp", int8 ? "INT8" : "float");
  if (!int8) html += "<p class=\"cap\">" + EscapeHtml(layer.why_float) + "</p>";
  if (f.batches == 0) return html + "</section>\n";
  html += fmt::format("<p class=\"cap\">{} reads {}, {:.4g} to {:.4g}, on a logarithmic scale</p>",
                      EscapeHtml(layer.op), EscapeHtml(layer.activation), f.activation.least,
                      f.activation.largest);
  html += HistogramChart(f.activation.histogram, layer.threshold);
  html += fmt::format("<p class=\"cap\">weight {}</p>", EscapeHtml(layer.weight));
  html += BoxChart(f.weight) + "<dl>";
  if (int8) {
    html += Term("threshold", fmt::format("{:.4g}", layer.threshold));
    html += Term("clipped", PerCent(f.activation.clipped, 3));
    html += Term("rounded to zero", PerCent(f.activation.zeroed, 1));
    html += Term("alone", Decibels(f.alone.sqnr_db) + " dB");
    html += Term("cosine", fmt::format("{:.6f}", f.alone.cosine));
    html += Term("weight", Decibels(f.weight.sqnr_db) + " dB");
    html += Term("channels' spread", fmt::format("{:.1f}x", f.weight.spread));
  }
  html += Term("cumulative", Decibels(f.cumulative.sqnr_db) + " dB");
  if (f.sensitivity) html += Term("sensitivity", fmt::format("{:.3e}", *f.sensitivity));
  if (f.ms_fp32 > 0) html += Term("time, ms", FromTo(f.ms_fp32, f.ms_int8));
  if (layer.predicted_us_fp32 > 0) {
    html += Term("predicted, ms",
                 FromTo(layer.predicted_us_fp32 / 1000, layer.predicted_us_int8 / 1000));
  }
  return html + "</dl></section>\n";
}

}  // namespace

std::string ReportHtml(const ReportTitle& title, const QuantizeReport& report) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>"
      "</head>\n<body><main>\n<h1>{0}</h1>\n<p class=\"facts\">",
      EscapeHtml(title.heading), kStyle);
  for (const auto& [name, value] : title.facts) {
    html += fmt::format("<span>{} <b>{}</b></span>", EscapeHtml(name), EscapeHtml(value));
  }
  html += "</p>\n";
  for (const std::string& warning : report.warnings) {
    html += "<div class=\"warning\"><b>Not fit for use:</b> " + EscapeHtml(warning) + ".</div>\n";
  }
  html += Tiles(report) + AdviceSection(report.advice) + TrialSection(report);
  const bool measured = std::any_of(report.layers.begin(), report.layers.end(),
                                    [](const QuantizedLayer& l) { return l.figures.batches > 0; });
  if (measured) html += Charts(report);
  html += LayerTable(report);
  if (measured) {
    html +=
        "<h2>Layer by layer</h2>\n<p class=\"soft\">The red lines are the chosen threshold; what "
        "lies beyond them is cut off.</p>\n<div class=\"layers\">\n";
    for (size_t i = 0; i < report.layers.size(); ++i) html += LayerCard(i, report.layers[i]);
    html += "</div>\n";
  }
  return html +
         "<footer>Made by skiff. The same figures are in the .csv and .json beside this "
         "page.</footer>\n</main></body></html>\n";
}

}  // namespace skiff::cli
