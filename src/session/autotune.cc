#include "skiff/autotune.h"

#include <new>

#include "runtime/search.h"
#include "session/kernel_cache.h"
#include "session/load.h"

namespace skiff {
namespace {

Result<AutotuneResult> Measure(const ModelSource& source, const SessionOptions& options,
                               std::span<const TensorView> inputs,
                               const AutotuneProgress& progress) {
  SKIFF_ASSIGN_OR_RETURN(const program::Program program, session::ReadSource(source));
  SKIFF_ASSIGN_OR_RETURN(const plan::CompileOptions compile, session::OptionsFor(options));
  std::vector<runtime::SearchInput> given;
  for (const TensorView& input : inputs) given.push_back({input.dtype, input.dims, input.data});
  runtime::SearchOptions search;
  search.context.threads = options.threads;
  search.context.memory_limit = options.memory_limit;
  search.progress = progress;
  auto found = runtime::SearchKernels(program, compile, given, search);
  if (!found.ok()) return found.status().WithContext(program.source);
  AutotuneResult result;
  SKIFF_ASSIGN_OR_RETURN(result.file,
                         session::WriteChoices(options.optim_cache_dir, options.threads, *found));
  for (runtime::SearchedLayer& l : *found) {
    result.layers.push_back({std::move(l.layer), l.steps, std::move(l.default_kernel),
                             std::move(l.kernel), l.default_ms, l.ms});
  }
  return result;
}

}  // namespace

Result<AutotuneResult> Autotune(const ModelSource& source, const SessionOptions& options,
                                std::span<const TensorView> inputs,
                                const AutotuneProgress& progress) {
  if (options.optim_cache_dir.empty()) {
    return InvalidArgument("optim_cache_dir names no folder for the kernels that are chosen");
  }
  SKIFF_RETURN_IF_ERROR(session::CheckOptions(options));
  try {
    return Measure(source, options, inputs, progress);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to measure kernels");
  }
}

}  // namespace skiff
