#define SKIFF_RUNG avx2
#include "kernels/eltwise/unary_body.h"
