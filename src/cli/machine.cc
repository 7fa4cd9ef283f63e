#include "cli/machine.h"

#include <fstream>
#include <sstream>
#include <string>

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
