#define SKIFF_RUNG avx512bw
#include "kernels/eltwise/softmax_body.h"
