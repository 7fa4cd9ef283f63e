// AnalysisConfig::Summary: a table of what is switched on, in groups.
#include <algorithm>
#include <utility>

#include "api/config_state.h"

namespace paddle {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string Bool(bool x) { return x ? "true" : "false"; }

std::string Rule(size_t option, size_t value) {
  return "+" + std::string(option + 2, '-') + "+" + std::string(value + 2, '-') + "+\n";
}

std::string Line(const std::pair<std::string, std::string>& row, size_t option, size_t value) {
  return "| " + row.first + std::string(option - row.first.size(), ' ') + " | " + row.second +
         std::string(value - row.second.size(), ' ') + " |\n";
}

std::string Table(const std::vector<Rows>& groups) {
  size_t option = 0;
  size_t value = 0;
  for (const Rows& rows : groups) {
    for (const auto& row : rows) {
      option = std::max(option, row.first.size());
      value = std::max(value, row.second.size());
    }
  }
  std::string text = Rule(option, value);
  for (const Rows& rows : groups) {
    for (const auto& row : rows) text += Line(row, option, value);
    text += Rule(option, value);
  }
  return text;
}

}  // namespace

std::string AnalysisConfig::Summary() {
  const skiff::api::ConfigState& s = *state_;
  Rows model;
  if (!s.model_dir.empty()) model.emplace_back("model_dir", s.model_dir);
  if (!s.prog_file.empty()) model.emplace_back("model_file", s.prog_file);
  if (!s.params_file.empty()) model.emplace_back("params_file", s.params_file);
  if (s.from_memory) model.emplace_back("model_from_memory", "true");
  if (!s.calibration_file.empty()) model.emplace_back("calibration_file", s.calibration_file);
  Rows cpu{{"cpu_math_thread", std::to_string(s.threads)}, {"enable_mkldnn", Bool(s.mkldnn)}};
  if (s.mkldnn) {
    cpu.emplace_back("mkldnn_cache_capacity", std::to_string(s.mkldnn_cache_capacity));
    if (s.mkldnn_int8) cpu.emplace_back("enable_mkldnn_int8", Bool(s.RunsInt8()));
  }
  const Rows other{{"save_optimized_model", Bool(s.save_optim_model)},
                   {"ir_optim", Bool(s.ir_optim)},
                   {"ir_debug", Bool(s.ir_debug)},
                   {"use_optimized_model", Bool(s.use_optimized_model)},
                   {"memory_optim", Bool(s.memory_optim)},
                   {"enable_profile", Bool(s.profile)},
                   {"enable_log", Bool(!s.quiet)},
                   {"collect_shape_range_info", Bool(s.collect_shape_range_info)}};
  std::vector<Rows> groups{{{"Option", "Value"}}};
  if (!model.empty()) groups.push_back(model);
  groups.push_back(cpu);
  groups.push_back({{"use_gpu", "false"}});
  groups.push_back({{"use_xpu", "false"}});
  groups.push_back({{"use_cinn_compiler", Bool(s.cinn)}});
  groups.back().insert(groups.back().end(), other.begin(), other.end());
  return Table(groups);
}

}  // namespace paddle
