#define SKIFF_RUNG avx2
#include "kernels/eltwise/softmax_body.h"
