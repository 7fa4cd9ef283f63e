// How the files of one rung make sure that their small functions become part of the loops that use
// them. Plain macros, read by all rungs.
#pragma once

#define SKIFF_INLINE inline __attribute__((always_inline))
// Fully unrolls the next loop before anything else is optimised, so that arrays of vectors become
// registers.
#define SKIFF_UNROLL _Pragma("GCC unroll 32")
