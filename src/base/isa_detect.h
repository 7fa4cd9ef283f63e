// From what the CPU and the operating system say to the rungs that may be used. For isa.cc and its
// test, which plays machines that are not at hand. A pure function but for request_amx.
#pragma once

#include <cstdint>
#include <vector>

#include "base/isa.h"

namespace skiff {

// All zero where the CPU does not know a leaf.
struct CpuFacts {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t leaf7_ecx = 0;
  uint32_t leaf7_edx = 0;
  uint32_t leaf7_1_eax = 0;
  uint64_t xcr0 = 0;  // the register state that the operating system saves
  // Asks the operating system for the AMX tiles, which it hands out on request only. Called only
  // where all else is there.
  bool (*request_amx)() = nullptr;
};

struct Rungs {
  std::vector<Isa> isas = {Isa::kScalar};
  bool amx_refused = false;
};

Rungs RungsOf(const CpuFacts& facts);

}  // namespace skiff
