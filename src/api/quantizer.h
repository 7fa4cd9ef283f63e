// EnableMkldnnQuantizer: a float model is quantised while it is loaded, with the Config's warm-up
// data.
#pragma once

#include "paddle_infer/paddle_mkldnn_quantizer_config.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::api {

// The quantised program of `source`; thresholds are the largest values of the warm-up batch, as
// Paddle's quantiser takes them. Throws where data are missing or do not fit the inputs.
program::Program QuantiseOnLoad(const ModelSource& source,
                                const paddle::MkldnnQuantizerConfig& config);

}  // namespace skiff::api
