// The report of a quantisation: a page that opens offline, a table and JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "cli/text.h"
#include "skiff/quantize_report.h"

namespace skiff::cli {

// What a report is of: the model, and what was said to make it.
struct ReportTitle {
  std::string heading;  // "Quantisation of mobilenet_v2"
  std::vector<std::pair<std::string, std::string>> facts;
};

// The figures; null where JSON has no number for them. Layers hold their figures where those were
// measured.
Json ReportJson(const QuantizeReport& report);
std::string ReportCsv(const QuantizeReport& report);
std::string ReportHtml(const ReportTitle& title, const QuantizeReport& report);

// `path` is FILE.html, beside which FILE.csv and FILE.json go, or a folder for report.html,
// report.csv and report.json, made if need be. Returns the page's path.
Result<std::string> WriteReport(const std::string& path, const ReportTitle& title,
                                const QuantizeReport& report);

}  // namespace skiff::cli
