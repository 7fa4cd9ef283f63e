#define SKIFF_RUNG avx2
#include "kernels/eltwise/binary_body.h"
