// The choices of kernels that a measured search left in a folder, for this machine.
//
// Thread-safety: pure functions of the file system.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/search.h"
#include "steps/kernel_choice.h"

namespace skiff::session {

struct CachedChoices {
  std::shared_ptr<const steps::KernelChoices> choices;  // null: there are none
  std::string warning;  // why a file that is there is not used; empty: it is, or there is none
};
// Those for so many threads. A file that is damaged, or of another machine or version, is ignored.
CachedChoices ReadChoices(const std::string& folder, int threads);

// Puts the outcome of a search into the folder's file, made if need be, and returns its path. What
// the file holds of other layers and numbers of threads stays, if it is of this machine.
Result<std::string> WriteChoices(const std::string& folder, int threads,
                                 const std::vector<runtime::SearchedLayer>& found);

}  // namespace skiff::session
