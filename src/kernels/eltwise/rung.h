// For the *_body.h files of this folder: plain loops that a rung's file compiles with its own flags
// into its own namespace, SKIFF_RUNG. Each includes only what cannot leak out of that file.
#pragma once

// The iterations of the next loop do not depend on each other, though dst may be src.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"  // a loop that stays scalar is as right
#define SKIFF_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define SKIFF_INDEPENDENT _Pragma("GCC ivdep")
#endif
