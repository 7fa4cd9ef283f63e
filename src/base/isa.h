// The ladder of instruction sets, what this CPU has of it, and the user's cap (SKIFF_ISA).
//
// Rungs are ordered: a kernel list is searched from the selected rung downwards. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skiff {

enum class Isa { kScalar, kAvx2, kAvxVnni, kAvx512bw, kAvx512Vnni, kAmx };

// "scalar", "avx2", "avx_vnni", "avx512bw", "avx512_vnni", "amx".
std::string_view Name(Isa isa);
Result<Isa> ParseIsa(std::string_view name);

// True when a kernel of rung `need` may run where `selected` was chosen. AVX-VNNI and AVX-512 are
// branches, not one line: avx_vnni kernels run under avx512_vnni or amx only if the CPU has both.
bool Allows(Isa selected, Isa need);

// Every rung that this CPU and operating system support, lowest first (kScalar always).
const std::vector<Isa>& SupportedIsas();

// True when the CPU has AMX-INT8 but the operating system does not grant this process its state.
bool AmxRefused();

// The best rung, or the one that SKIFF_ISA names; naming one that the CPU lacks, or none, is an
// error. Read from the environment at each call.
Result<Isa> SelectIsa();

// True when this CPU computes vectors of 512 bits in two halves, as AMD's Zen 4 does: they are no
// faster than those of 256, and fill up in larger steps. For cost models.
bool HalvesVectors512();

// "AMD EPYC ...", from CPUID.
std::string CpuName();

}  // namespace skiff
