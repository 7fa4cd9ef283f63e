#define SKIFF_RUNG avx512bw
#include "kernels/eltwise/unary_body.h"
