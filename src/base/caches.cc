#include "base/caches.h"

#include <fstream>

namespace skiff {

std::vector<CacheLevel> DataCaches(const std::string& cpu) {
  std::vector<CacheLevel> levels;
  for (int index = 0;; ++index) {
    const std::string folder = cpu + "/cache/index" + std::to_string(index) + "/";
    std::string type;
    CacheLevel level;
    size_t kib = 0;
    if (!(std::ifstream(folder + "type") >> type)) break;
    if (type == "Instruction") continue;
    std::ifstream(folder + "level") >> level.level;
    std::ifstream(folder + "size") >> kib;  // "512K"
    level.bytes = kib << 10;
    levels.push_back(level);
  }
  return levels;
}

CacheSizes CacheSizesOf(const std::vector<CacheLevel>& levels) {
  CacheSizes sizes;
  for (const CacheLevel& level : levels) {
    if (level.bytes == 0) continue;
    if (level.level == 2) sizes.l2 = level.bytes;
    if (level.level == 3) sizes.l3 = level.bytes;
  }
  return sizes;
}

const CacheSizes& ThisMachinesCaches() {
  static const CacheSizes sizes = CacheSizesOf(DataCaches());
  return sizes;
}

}  // namespace skiff
