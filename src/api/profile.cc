#include "api/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace skiff::api {

void PrintProfile(const runtime::Context& context) {
  struct Event {
    std::string op;
    int64_t calls = 0;
    double total_ms = 0;
  };
  std::map<std::string, Event> by_op;
  double total_ms = 0;
  for (size_t s = 0; s < context.model().steps.size(); ++s) {
    const runtime::StepProfile& step = context.profile()[s];
    Event& event = by_op[context.model().steps[s].info.op];
    event.op = context.model().steps[s].info.op;
    event.calls += step.runs;
    event.total_ms += step.total_ms;
    total_ms += step.total_ms;
  }
  std::vector<Event> events;
  for (const auto& [op, event] : by_op) events.push_back(event);
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.total_ms > b.total_ms; });
  std::string table = "------> Profiling Report <------\n";
  char line[256];
  std::snprintf(line, sizeof(line), "%-32s %8s %12s %10s %8s\n", "Event", "Calls", "Total ms",
                "Avg ms", "Ratio");
  table += line;
  for (const Event& event : events) {
    std::snprintf(line, sizeof(line), "%-32.32s %8lld %12.3f %10.4f %8.4f\n", event.op.c_str(),
                  static_cast<long long>(event.calls), event.total_ms,
                  event.calls > 0 ? event.total_ms / static_cast<double>(event.calls) : 0,
                  total_ms > 0 ? event.total_ms / total_ms : 0);
    table += line;
  }
  std::fputs(table.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace skiff::api
