#define SKIFF_RUNG avx512bw
#include "kernels/eltwise/fake_quantize_body.h"
