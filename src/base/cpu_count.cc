#include "base/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

namespace skiff {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// "150000 100000" is one and a half CPUs, "max 100000" and "-1 100000" no limit.
std::optional<double> ParseQuota(const std::string& text) {
  std::istringstream words(text);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> QuotaOf(const std::string& folder, bool v2) {
  if (v2) return ParseQuota(ReadText(folder + "/cpu.max"));
  return ParseQuota(ReadText(folder + "/cpu.cfs_quota_us") + " " +
                    ReadText(folder + "/cpu.cfs_period_us"));
}

// The smallest limit of a group and of those above it, up to the mount. Inside a container the path
// may be the host's, which is not there: then only the mount itself counts.
double SmallestQuota(const std::string& mount, std::string group, bool v2) {
  double smallest = 0;
  for (;;) {
    if (group == "/") group.clear();
    const std::optional<double> quota = QuotaOf(mount + group, v2);
    if (quota && (smallest == 0 || *quota < smallest)) smallest = *quota;
    if (group.empty()) return smallest;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

bool HasController(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == name) return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

}  // namespace

double CgroupQuota(std::string_view membership, const std::string& root) {
  double smallest = 0;
  const auto take = [&smallest](double quota) {
    if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
  };
  std::istringstream lines{std::string(membership)};
  for (std::string line; std::getline(lines, line);) {
    // "hierarchy:controllers:path"; version 2 is hierarchy 0 and names no controllers.
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers =
        std::string_view(line).substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      take(SmallestQuota(root, path, true));
      take(SmallestQuota(root + "/unified", path, true));
    } else if (HasController(controllers, "cpu")) {
      take(SmallestQuota(root + "/cpu", path, false));
      take(SmallestQuota(root + "/" + std::string(controllers), path, false));
    }
  }
  return smallest;
}

int AffinityCpus() {
  // The kernel refuses a mask that is too small for its CPUs.
  for (int cpus = 1024; cpus <= (1 << 16); cpus *= 2) {
    cpu_set_t* const set = CPU_ALLOC(cpus);
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    CPU_ZERO_S(bytes, set);
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

double CpuQuota() { return CgroupQuota(ReadText("/proc/self/cgroup"), "/sys/fs/cgroup"); }

int AvailableCpus() {
  const int cpus = AffinityCpus();
  const double quota = CpuQuota();
  if (quota <= 0 || quota >= cpus) return cpus;
  return std::max(1, static_cast<int>(std::floor(quota)));
}

}  // namespace skiff
