// Chains of instructions whose speed is the peak of a rung: what the inner loop of a kernel would
// be if loads, stores and epilogues cost nothing. One file for each rung; run only where the CPU
// has it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skiff::bench {

struct Chain {
  const char* kind;       // "fp32", "int8": what is multiplied
  const char* name;       // the instructions
  int64_t multiply_adds;  // of one step
  void (*run)(int64_t steps);
};

struct Chains {
  const Chain* first;
  size_t count;
};

namespace avx2 {
Chains All();
// Reads every byte once. REQUIRES: 32-byte aligned, a multiple of 256 bytes.
void Read(const void* data, size_t bytes);
}  // namespace avx2
namespace avx_vnni {
Chains All();
}
namespace avx512bw {
Chains All();
// REQUIRES: 64-byte aligned, a multiple of 512 bytes.
void Read(const void* data, size_t bytes);
}  // namespace avx512bw
namespace avx512_vnni {
Chains All();
}
namespace amx {
Chains All();
}

}  // namespace skiff::bench
