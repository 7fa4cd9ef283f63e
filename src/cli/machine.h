// The memory that the operating system lets this process use. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

namespace skiff::cli {

struct Memory {
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;
  std::optional<int64_t> limit_bytes;  // the control group's
};
Memory ReadMemory();

}  // namespace skiff::cli
