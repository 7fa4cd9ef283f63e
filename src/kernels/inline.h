// How the files of one rung make sure that their small functions become part of the loops that use
// them. Plain macros, read by all rungs.
#pragma once

#define SKIFF_INLINE inline __attribute__((always_inline))
// Stays one function: GCC would make a copy of it for each constant that it is called with.
#if defined(__clang__)
#define SKIFF_NOINLINE __attribute__((noinline))
#else
#define SKIFF_NOINLINE __attribute__((noinline, noclone))
#endif
// Fully unrolls the next loop before anything else is optimised, so that arrays of vectors become
// registers.
#define SKIFF_UNROLL _Pragma("GCC unroll 32")
