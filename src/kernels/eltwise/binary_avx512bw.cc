#define SKIFF_RUNG avx512bw
#include "kernels/eltwise/binary_body.h"
