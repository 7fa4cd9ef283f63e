#include "paddle_infer/paddle_api.h"

namespace paddle {

std::string get_version() {
  const std::string commit = SKIFF_COMMIT;
  return "version: " SKIFF_VERSION "\ncommit: " + (commit.empty() ? "unknown" : commit) +
         "\nbranch: skiff\n";
}

}  // namespace paddle
