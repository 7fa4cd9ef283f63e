#define SKIFF_RUNG avx2
#include "kernels/eltwise/layer_norm_body.h"
