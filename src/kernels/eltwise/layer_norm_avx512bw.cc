#define SKIFF_RUNG avx512bw
#include "kernels/eltwise/layer_norm_body.h"
