#define SKIFF_RUNG avx2
#include "kernels/eltwise/fake_quantize_body.h"
