#include "api/log.h"

#include <cstdio>

namespace skiff::api {

// One call a line, so that lines of several threads do not mix.
void LogInfo(const std::string& message) {
  std::fprintf(stderr, "INFO paddle_infer: %s\n", message.c_str());
}
void LogWarning(const std::string& message) {
  std::fprintf(stderr, "WARNING paddle_infer: %s\n", message.c_str());
}
void LogError(const std::string& message) {
  std::fprintf(stderr, "ERROR paddle_infer: %s\n", message.c_str());
}

}  // namespace skiff::api
