#include "base/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace skiff {
namespace {

constexpr std::array kAllIsas = {Isa::kScalar,   Isa::kAvx2,       Isa::kAvxVnni,
                                 Isa::kAvx512bw, Isa::kAvx512Vnni, Isa::kAmx};

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero when the CPU does not know the leaf.
Registers Cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

bool Bit(uint32_t word, int bit) { return ((word >> bit) & 1u) != 0; }

// XCR0: the register state that the operating system saves. REQUIRES: CPUID says OSXSAVE.
uint64_t Xgetbv() {
  uint32_t lo = 0;
  uint32_t hi = 0;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return (uint64_t{hi} << 32) | lo;
}

// Linux hands out the AMX tile state per process, on request only.
bool RequestAmxPermission() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

struct Detected {
  std::vector<Isa> isas = {Isa::kScalar};
  bool amx_refused = false;
};

Detected Detect() {
  Detected found;
  std::vector<Isa>& isas = found.isas;
  const Registers leaf1 = Cpuid(1);
  const Registers leaf7 = Cpuid(7);
  const Registers leaf7_1 = leaf7.eax >= 1 ? Cpuid(7, 1) : Registers{};
  const bool osxsave = Bit(leaf1.ecx, 27);
  const uint64_t xcr0 = osxsave ? Xgetbv() : 0;
  const auto saves = [&](uint64_t mask) { return (xcr0 & mask) == mask; };

  const bool avx2 = saves(0x6) && Bit(leaf1.ecx, 28) && Bit(leaf1.ecx, 12) && Bit(leaf7.ebx, 5) &&
                    Bit(leaf7.ebx, 8);  // AVX, FMA, AVX2, BMI2
  if (!avx2) return found;
  isas.push_back(Isa::kAvx2);
  if (Bit(leaf7_1.eax, 4)) isas.push_back(Isa::kAvxVnni);
  const bool avx512bw = saves(0xe6) && Bit(leaf7.ebx, 16) && Bit(leaf7.ebx, 17) &&
                        Bit(leaf7.ebx, 30) && Bit(leaf7.ebx, 31);  // F, DQ, BW, VL
  if (!avx512bw) return found;
  isas.push_back(Isa::kAvx512bw);
  if (!Bit(leaf7.ecx, 11)) return found;
  isas.push_back(Isa::kAvx512Vnni);
  if (!Bit(leaf7.edx, 24) || !Bit(leaf7.edx, 25)) return found;  // AMX-TILE, AMX-INT8
  found.amx_refused = !saves(0x60000) || !RequestAmxPermission();
  if (!found.amx_refused) isas.push_back(Isa::kAmx);
  return found;
}

const Detected& Machine() {
  static const Detected found = Detect();
  return found;
}

bool Supported(Isa isa) {
  const std::vector<Isa>& isas = SupportedIsas();
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

std::string NamesOf(std::span<const Isa> isas) {
  std::string names;
  for (Isa isa : isas) names += (names.empty() ? "" : ", ") + std::string(Name(isa));
  return names;
}

}  // namespace

std::string_view Name(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvxVnni: return "avx_vnni";
    case Isa::kAvx512bw: return "avx512bw";
    case Isa::kAvx512Vnni: return "avx512_vnni";
    case Isa::kAmx: return "amx";
  }
  return "unknown";
}

Result<Isa> ParseIsa(std::string_view name) {
  for (Isa isa : kAllIsas) {
    if (Name(isa) == name) return isa;
  }
  return InvalidArgument("unknown instruction set \"" + std::string(name) + "\"; known are " +
                         NamesOf(kAllIsas));
}

bool Allows(Isa selected, Isa need) {
  if (need == Isa::kAvxVnni && selected != Isa::kAvxVnni) {
    return selected >= Isa::kAvx512Vnni && Supported(Isa::kAvxVnni);
  }
  return need <= selected;
}

const std::vector<Isa>& SupportedIsas() { return Machine().isas; }

bool AmxRefused() { return Machine().amx_refused; }

Result<Isa> SelectIsa() {
  const char* wanted = std::getenv("SKIFF_ISA");
  if (wanted == nullptr || *wanted == '\0') return SupportedIsas().back();
  const Result<Isa> isa = ParseIsa(wanted);
  if (!isa.ok()) return isa.status().WithContext("SKIFF_ISA");
  if (!Supported(*isa)) {
    return Unsupported("SKIFF_ISA asks for " + std::string(wanted) +
                       ", which this CPU or operating system lacks; it has " +
                       NamesOf(SupportedIsas()));
  }
  return *isa;
}

std::string CpuName() {
  std::array<uint32_t, 12> words{};
  for (uint32_t i = 0; i < 3; ++i) {
    const Registers r = Cpuid(0x80000002u + i);
    const std::array part = {r.eax, r.ebx, r.ecx, r.edx};
    std::copy(part.begin(), part.end(), words.begin() + 4 * i);
  }
  std::array<char, sizeof(words) + 1> text{};
  std::memcpy(text.data(), words.data(), sizeof(words));
  std::string name(text.data());
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name.empty() ? "unknown CPU" : name;
}

}  // namespace skiff
