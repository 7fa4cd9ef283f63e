#include "session/kernel_cache.h"

#include <filesystem>
#include <system_error>

#include "base/isa.h"
#include "formats/kernel_cache.h"
#include "onednn/isa_cap.h"

namespace skiff::session {
namespace {

namespace fs = std::filesystem;

std::string PathIn(const std::string& folder) {
  return (fs::path(folder) / "skiff_kernels.txt").string();
}

// What a choice holds for: CPU, instruction set, and the versions of those who wrote the kernels.
Result<std::string> Machine() {
  SKIFF_ASSIGN_OR_RETURN(const Isa isa, SelectIsa());
  return CpuName() + ", " + std::string(Name(isa)) + ", Skiff " SKIFF_VERSION ", oneDNN " +
         onednn::Version();
}

}  // namespace

CachedChoices ReadChoices(const std::string& folder, int threads) {
  const Result<std::string> machine = Machine();
  const Result<formats::KernelCache> cache = formats::ReadKernelCache(PathIn(folder));
  if (!cache.ok() && cache.status().code() == StatusCode::kNotFound) return {};
  if (!cache.ok()) return {nullptr, std::string(cache.status().message()) + "; it is ignored"};
  if (!machine.ok()) return {};
  if (cache->machine != *machine) {
    return {nullptr, PathIn(folder) + ": for " + cache->machine + ", while this is " + *machine +
                         "; it is ignored"};
  }
  auto choices = std::make_shared<steps::KernelChoices>();
  for (const auto& [key, kernel] : cache->kernels) {
    if (key.first == threads) choices->Set(key.second, kernel);
  }
  return {std::move(choices), {}};
}

Result<std::string> WriteChoices(const std::string& folder, int threads,
                                 const std::vector<runtime::SearchedLayer>& found) {
  SKIFF_ASSIGN_OR_RETURN(const std::string machine, Machine());
  const std::string path = PathIn(folder);
  formats::KernelCache cache;
  Result<formats::KernelCache> before = formats::ReadKernelCache(path);
  if (before.ok() && before->machine == machine) cache = *std::move(before);
  cache.machine = machine;
  for (const runtime::SearchedLayer& layer : found) {
    cache.kernels.erase({threads, layer.layer});
    if (layer.kernel != layer.default_kernel) {
      cache.kernels[{threads, layer.layer}] = layer.kernel;
    }
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return InvalidArgument(folder + ": " + error.message());
  SKIFF_RETURN_IF_ERROR(formats::WriteKernelCache(path, cache));
  return path;
}

}  // namespace skiff::session
