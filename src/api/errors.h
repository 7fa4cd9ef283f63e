// Where Statuses become the exceptions that users of paddle_infer expect; in no other room.
#pragma once

#include <string>

#include "base/status.h"

namespace skiff::api {

// Throws paddle::platform::EnforceNotMet; `kind` is one of Paddle's names: "InvalidArgument".
[[noreturn]] void Throw(const char* kind, const std::string& message);
[[noreturn]] void Throw(const Status& status);

inline void ThrowIfError(const Status& status) {
  if (!status.ok()) [[unlikely]] {
    Throw(status);
  }
}

}  // namespace skiff::api
