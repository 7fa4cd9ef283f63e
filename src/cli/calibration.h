// Calibration data from files: pictures, a list of pictures, or tensors.
// Used by one thread.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "imaging/preprocess.h"
#include "skiff/quantize.h"

namespace skiff::cli {

// `path` may be a folder of pictures (.jpg, .jpeg, .png; taken in the order of their names), a list
// whose lines begin with a picture's path, a .npy file [N, ...] for a model with one input, an .npz
// file with an array [N, ...] for each input of `model` under its name, or the ImageNet file of
// PaddleSlim's mkldnn_quant demo (.bin: int64 N, then N x 3 x 224 x 224 floats).
// `batch_nums` 0: all batches. Only whole batches are used, unless there is not even one.
Result<std::unique_ptr<CalibrationData>> OpenCalibrationData(const ModelSource& model,
                                                             const std::string& path,
                                                             const imaging::Preprocess& preprocess,
                                                             int64_t batch_size,
                                                             int64_t batch_nums);

// Pictures with labels, one in a batch: lines "path label", paths relative to the list.
struct Evaluation {
  std::unique_ptr<CalibrationData> pictures;
  LabelledData labelled;  // of `pictures`
};
Result<Evaluation> OpenEvaluation(const std::string& list, const imaging::Preprocess& preprocess);

}  // namespace skiff::cli
