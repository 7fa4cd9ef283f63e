// The measured search: which of the equal kernels of each layer is the fastest on this machine.
//
// The whole network runs, so that a layer meets the caches as they are in a real run: once as the
// cost models have it, and in turns with that once for each further candidate, every layer on its
// own. What is compared is the least time of the layers of one name, summed. Thread-safety: a call
// touches nothing shared; other work on the machine disturbs its clock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "plan/model.h"
#include "program/program.h"
#include "runtime/context.h"

namespace skiff::runtime {

struct SearchInput {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;
  const void* data = nullptr;
};

struct SearchOptions {
  ContextOptions context;
  int rounds = 8;
  // Called as runs are done, of as many as there will be.
  std::function<void(int64_t done, int64_t total)> progress;
};

// What a search found out about one layer that it could choose a kernel for.
struct SearchedLayer {
  std::string layer;
  int steps = 0;               // of the network that bear this name
  std::string default_kernel;  // the cost model's
  std::string kernel;     // the fastest; the default unless another is faster by more than noise
  double default_ms = 0;  // of all its steps in one run
  double ms = 0;
};

// `options.choices` is not looked at. Layers stand in the order of their first steps.
Result<std::vector<SearchedLayer>> SearchKernels(const program::Program& program,
                                                 plan::CompileOptions options,
                                                 const std::vector<SearchInput>& inputs,
                                                 const SearchOptions& search);

}  // namespace skiff::runtime
