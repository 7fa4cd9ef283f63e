// How many CPUs this process may use: fewer than the machine has under taskset, a cpuset or a
// container's quota.
//
// Thread-safety: pure functions of the system's state at the time of the call.
#pragma once

#include <string>
#include <string_view>

namespace skiff {

// The smaller of the affinity mask of the calling thread and the control group's CPU quota, at
// least 1. A quota counts as the whole CPUs in it: one more thread would spend each period's end
// stopped.
int AvailableCpus();

// The parts of it: CPUs in the affinity mask, and the quota of this process; 0 without limit.
int AffinityCpus();
double CpuQuota();

// CPUs that the control groups named in `membership` (the text of /proc/self/cgroup) and those
// above them may use, by cpu.max (v2) or cpu.cfs_quota_us (v1) under `root` (/sys/fs/cgroup); 0
// without limit.
double CgroupQuota(std::string_view membership, const std::string& root);

}  // namespace skiff
