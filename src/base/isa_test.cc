#include "base/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/isa_detect.h"

namespace skiff {
namespace {

class ScopedIsa {
 public:
  explicit ScopedIsa(const char* value) { setenv("SKIFF_ISA", value, 1); }
  ~ScopedIsa() { unsetenv("SKIFF_ISA"); }
};

TEST(IsaTest, NamesRoundTrip) {
  for (Isa isa :
       {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512bw, Isa::kAvx512Vnni, Isa::kAmx}) {
    const Result<Isa> parsed = ParseIsa(Name(isa));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, isa);
  }
  EXPECT_EQ(ParseIsa("sse9").status().code(), StatusCode::kInvalidArgument);
}

TEST(IsaTest, SupportedStartsWithScalarAndRises) {
  const std::vector<Isa>& isas = SupportedIsas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.front(), Isa::kScalar);
  for (size_t i = 1; i < isas.size(); ++i) EXPECT_LT(isas[i - 1], isas[i]);
}

TEST(IsaTest, AgreesWithTheCompilersDetection) {
  const std::vector<Isa>& isas = SupportedIsas();
  const bool found = std::find(isas.begin(), isas.end(), Isa::kAvx2) != isas.end();
  EXPECT_EQ(found, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}

// A Sapphire Rapids under a kernel that saves its tiles.
CpuFacts SapphireRapids(bool (*request_amx)()) {
  const auto bits = [](std::initializer_list<int> set) {
    uint32_t word = 0;
    for (const int bit : set) word |= uint32_t{1} << bit;
    return word;
  };
  CpuFacts facts;
  facts.leaf1_ecx = bits({12, 27, 28});
  facts.leaf7_ebx = bits({5, 8, 16, 17, 30, 31});
  facts.leaf7_ecx = bits({11});
  facts.leaf7_edx = bits({24, 25});
  facts.leaf7_1_eax = bits({4});
  facts.xcr0 = 0x600e7;
  facts.request_amx = request_amx;
  return facts;
}

TEST(IsaTest, AmxIsTheBestRungWhereTheSystemGrantsIt) {
  const Rungs rungs = RungsOf(SapphireRapids([] { return true; }));
  EXPECT_EQ(rungs.isas, (std::vector<Isa>{Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512bw,
                                          Isa::kAvx512Vnni, Isa::kAmx}));
  EXPECT_FALSE(rungs.amx_refused);
}

TEST(IsaTest, RefusedAmxLeavesTheRungBelow) {
  const Rungs asked = RungsOf(SapphireRapids([] { return false; }));
  EXPECT_EQ(asked.isas.back(), Isa::kAvx512Vnni);
  EXPECT_TRUE(asked.amx_refused);
  // A kernel that does not save tiles is not asked for them.
  CpuFacts old_kernel = SapphireRapids(nullptr);
  old_kernel.xcr0 = 0xe7;
  const Rungs unasked = RungsOf(old_kernel);
  EXPECT_EQ(unasked.isas.back(), Isa::kAvx512Vnni);
  EXPECT_TRUE(unasked.amx_refused);
}

TEST(IsaTest, StateThatIsNotSavedIsNoRung) {
  CpuFacts facts = SapphireRapids([] { return true; });
  facts.xcr0 = 0x7;  // without the 512-bit registers
  EXPECT_EQ(RungsOf(facts).isas.back(), Isa::kAvxVnni);
  facts.xcr0 = 0x3;  // without the 256-bit ones
  EXPECT_EQ(RungsOf(facts).isas, std::vector<Isa>{Isa::kScalar});
}

TEST(IsaTest, RefusedAmxIsNoRung) {
  const std::vector<Isa>& isas = SupportedIsas();
  const bool found = std::find(isas.begin(), isas.end(), Isa::kAmx) != isas.end();
  EXPECT_FALSE(found && AmxRefused());
}

TEST(IsaTest, AllowsLowerRungsOnly) {
  EXPECT_TRUE(Allows(Isa::kScalar, Isa::kScalar));
  EXPECT_FALSE(Allows(Isa::kScalar, Isa::kAvx2));
  EXPECT_TRUE(Allows(Isa::kAvx2, Isa::kScalar));
  EXPECT_TRUE(Allows(Isa::kAvxVnni, Isa::kAvxVnni));
  EXPECT_FALSE(Allows(Isa::kAvx512bw, Isa::kAvxVnni));
  EXPECT_TRUE(Allows(Isa::kAmx, Isa::kAvx512Vnni));
  EXPECT_FALSE(Allows(Isa::kAvx512Vnni, Isa::kAmx));
}

TEST(IsaTest, EnvironmentCapsTheRung) {
  {
    const ScopedIsa scoped("scalar");
    const Result<Isa> isa = SelectIsa();
    ASSERT_TRUE(isa.ok());
    EXPECT_EQ(*isa, Isa::kScalar);
  }
  {
    const ScopedIsa scoped("nonsense");
    EXPECT_EQ(SelectIsa().status().code(), StatusCode::kInvalidArgument);
  }
  const Result<Isa> best = SelectIsa();
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(*best, SupportedIsas().back());
}

TEST(IsaTest, NamingAnAbsentRungIsAnError) {
  if (SupportedIsas().back() == Isa::kAmx) GTEST_SKIP() << "this CPU has every rung";
  const ScopedIsa scoped("amx");
  EXPECT_EQ(SelectIsa().status().code(), StatusCode::kUnsupported);
}

TEST(IsaTest, OnlyACpuOfAmdWithAvx512HalvesItsVectors) {
  if (!HalvesVectors512()) GTEST_SKIP() << "this CPU does not: " << CpuName();
  EXPECT_TRUE(__builtin_cpu_is("amd"));
  EXPECT_TRUE(__builtin_cpu_supports("avx512bw"));
}

TEST(IsaTest, CpuHasAName) { EXPECT_FALSE(CpuName().empty()); }

}  // namespace
}  // namespace skiff
