#include "cli/machine.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace skiff::cli {
namespace {

// One value of the control group that a container sees as its root: version 2, or else version 1.
std::optional<std::string> ReadCgroup(const std::string& v2, const std::string& v1) {
  for (const std::string& name : {v2, v1}) {
    std::ifstream file("/sys/fs/cgroup/" + name);
    std::string line;
    if (file && std::getline(file, line)) return line;
  }
  return std::nullopt;
}

}  // namespace

int AffinityProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::optional<double> QuotaProcessors() {
  // Version 2: "max 100000" or "200000 100000"; version 1 has one file for each number.
  const auto line = ReadCgroup("cpu.max", "cpu/cpu.cfs_quota_us");
  if (!line) return std::nullopt;
  std::istringstream text(*line);
  double quota = 0;
  double period = 0;
  if (!(text >> quota) || quota <= 0) return std::nullopt;
  if (!(text >> period)) {
    std::ifstream file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    file >> period;
  }
  if (period <= 0) return std::nullopt;
  return quota / period;
}

int AllowedProcessors() {
  const double quota = QuotaProcessors().value_or(std::numeric_limits<double>::infinity());
  return static_cast<int>(std::max(1.0, std::min<double>(AffinityProcessors(), std::ceil(quota))));
}

Memory ReadMemory() {
  Memory memory;
  std::ifstream file("/proc/meminfo");
  std::string key;
  int64_t kib = 0;
  std::string rest;
  while (file >> key >> kib && std::getline(file, rest)) {
    if (key == "MemTotal:") memory.total_bytes = kib * 1024;
    if (key == "MemAvailable:") memory.available_bytes = kib * 1024;
  }
  if (const auto line = ReadCgroup("memory.max", "memory/memory.limit_in_bytes")) {
    std::istringstream text(*line);
    int64_t limit = 0;
    // Version 1 says "no limit" by a number that no machine has.
    if (text >> limit && limit < memory.total_bytes) memory.limit_bytes = limit;
  }
  return memory;
}

}  // namespace skiff::cli
