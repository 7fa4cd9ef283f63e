// The data caches of the first CPU.
//
// Thread-safety: pure functions of the system's state at the time of the call.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace skiff {

struct CacheLevel {
  int level = 0;
  size_t bytes = 0;
};

// As the operating system tells them, nearest first (sysconf believes the processor, which in a
// virtual machine may tell of the host's). Empty where it tells nothing. `cpu` is the CPU's folder.
std::vector<CacheLevel> DataCaches(const std::string& cpu = "/sys/devices/system/cpu/cpu0");

// What plans reckon with: a core's second level, and the third that it shares with others; common
// sizes where the system does not tell.
struct CacheSizes {
  size_t l2 = size_t{1} << 20;
  size_t l3 = size_t{16} << 20;
};
CacheSizes CacheSizesOf(const std::vector<CacheLevel>& levels);
// Of this machine; asked for once.
const CacheSizes& ThisMachinesCaches();

}  // namespace skiff
