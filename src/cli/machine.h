// What the operating system lets this process use. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace skiff::cli {

// Processors in the affinity mask.
int AffinityProcessors();
// Processors' worth of time that the control group grants; none: no limit.
std::optional<double> QuotaProcessors();
// Of both, at least 1.
int AllowedProcessors();

struct Memory {
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;
  std::optional<int64_t> limit_bytes;  // the control group's
};
Memory ReadMemory();

}  // namespace skiff::cli
