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

#include "base/isa_detect.h"

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

CpuFacts ReadFacts() {
  const Registers leaf1 = Cpuid(1);
  const Registers leaf7 = Cpuid(7);
  CpuFacts facts;
  facts.leaf1_ecx = leaf1.ecx;
  facts.leaf7_ebx = leaf7.ebx;
  facts.leaf7_ecx = leaf7.ecx;
  facts.leaf7_edx = leaf7.edx;
  if (leaf7.eax >= 1) facts.leaf7_1_eax = Cpuid(7, 1).eax;
  if (Bit(leaf1.ecx, 27)) facts.xcr0 = Xgetbv();
  facts.request_amx = RequestAmxPermission;
  return facts;
}

const Rungs& Machine() {
  static const Rungs found = RungsOf(ReadFacts());
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

Rungs RungsOf(const CpuFacts& facts) {
  Rungs found;
  std::vector<Isa>& isas = found.isas;
  const auto saves = [&](uint64_t mask) { return (facts.xcr0 & mask) == mask; };
  const bool avx2 = saves(0x6) && Bit(facts.leaf1_ecx, 28) && Bit(facts.leaf1_ecx, 12) &&
                    Bit(facts.leaf7_ebx, 5) && Bit(facts.leaf7_ebx, 8);  // AVX, FMA, AVX2, BMI2
  if (!avx2) return found;
  isas.push_back(Isa::kAvx2);
  if (Bit(facts.leaf7_1_eax, 4)) isas.push_back(Isa::kAvxVnni);
  const bool avx512bw = saves(0xe6) && Bit(facts.leaf7_ebx, 16) && Bit(facts.leaf7_ebx, 17) &&
                        Bit(facts.leaf7_ebx, 30) && Bit(facts.leaf7_ebx, 31);  // F, DQ, BW, VL
  if (!avx512bw) return found;
  isas.push_back(Isa::kAvx512bw);
  if (!Bit(facts.leaf7_ecx, 11)) return found;
  isas.push_back(Isa::kAvx512Vnni);
  if (!Bit(facts.leaf7_edx, 24) || !Bit(facts.leaf7_edx, 25)) return found;  // AMX-TILE, AMX-INT8
  found.amx_refused = !saves(0x60000) || !facts.request_amx();
  if (!found.amx_refused) isas.push_back(Isa::kAmx);
  return found;
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

bool HalvesVectors512() {
  constexpr uint32_t kAuth = 0x68747541;  // of "AuthenticAMD"
  constexpr uint32_t kZen3And4 = 0x19;
  const uint32_t eax = Cpuid(1).eax;
  const uint32_t family = (eax >> 8 & 0xf) + (eax >> 20 & 0xff);
  return Cpuid(0).ebx == kAuth && family == kZen3And4 && Supported(Isa::kAvx512bw);
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
