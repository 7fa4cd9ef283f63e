// Autotune: measures which of the equal kernels of each layer is the fastest on this machine, and
// leaves the answer in a folder where Session::Load finds it (SessionOptions::optim_cache_dir).
//
// Integer layers write the same bytes on all their kernels; float sums differ by their order.
// Thread-safety: distinct calls with distinct folders may run in distinct threads, but disturb each
// other's clock.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "skiff/export.h"
#include "skiff/session_types.h"
#include "skiff/status.h"

namespace skiff {

// Layers that are alike, by what their speed depends on.
struct AutotunedLayer {
  std::string layer;
  int count = 0;
  std::string default_kernel;  // what Session takes by itself
  std::string kernel;          // the fastest; another one only where it gains 3 % or more
  double default_ms = 0;       // of all of them in one run
  double ms = 0;
};

struct AutotuneResult {
  std::string file;
  std::vector<AutotunedLayer> layers;  // those that have more than one kernel
};

// Of so many runs in all, how many are done.
using AutotuneProgress = std::function<void(int64_t done, int64_t total)>;

// `inputs`: one for each of the model's, in its order, of the extents that later runs will have.
// `options.optim_cache_dir` names the folder, which is made if need be.
SKIFF_API Result<AutotuneResult> Autotune(const ModelSource& source, const SessionOptions& options,
                                          std::span<const TensorView> inputs,
                                          const AutotuneProgress& progress = {});

}  // namespace skiff
