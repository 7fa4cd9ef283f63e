// Lines for the user of paddle_infer, on stderr: what Paddle would log. Thread-safe.
#pragma once

#include <string>

namespace skiff::api {

void LogInfo(const std::string& message);
void LogWarning(const std::string& message);
void LogError(const std::string& message);

}  // namespace skiff::api
