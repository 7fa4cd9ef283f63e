// Keeps oneDNN's generated code within the rung that Skiff runs on (SKIFF_ISA). Thread-safe.
#pragma once

#include <string>

#include "base/isa.h"

namespace skiff::onednn {

// The first call decides for the whole process, and must come before the first primitive; later
// calls do nothing. oneDNN generates nothing below SSE4.1, which stands for kScalar.
void CapIsa(Isa isa);

// The library's own version, "3.2.0", and the instruction set that it will use, "avx2".
std::string Version();
std::string EffectiveIsa();

// Does the instruction set that oneDNN will use multiply bfloat16? Where it does not, oneDNN has no
// such primitives, or emulates them slower than float32. After CapIsa.
bool MultipliesBfloat16();

}  // namespace skiff::onednn
