#include "base/status.h"

#include "skiff/export.h"

namespace skiff {

SKIFF_API std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kCorruption: return "corrupt file";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kIoError: return "input/output error";
    case StatusCode::kResourceExhausted: return "limit exceeded";
    case StatusCode::kCheckFailed: return "check failed";
    case StatusCode::kInternal: return "internal error";
  }
  return "unknown";
}

SKIFF_API std::string Status::ToString() const {
  if (ok()) return "ok";
  return std::string(StatusCodeName(code())) + ": " + std::string(message());
}

SKIFF_API Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return {code(), std::string(context) + ": " + std::string(message())};
}

SKIFF_API Status InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
SKIFF_API Status NotFound(std::string message) {
  return {StatusCode::kNotFound, std::move(message)};
}
SKIFF_API Status Corruption(std::string message) {
  return {StatusCode::kCorruption, std::move(message)};
}
SKIFF_API Status Unsupported(std::string message) {
  return {StatusCode::kUnsupported, std::move(message)};
}
SKIFF_API Status IoError(std::string message) { return {StatusCode::kIoError, std::move(message)}; }
SKIFF_API Status ResourceExhausted(std::string message) {
  return {StatusCode::kResourceExhausted, std::move(message)};
}
SKIFF_API Status CheckFailed(std::string message) {
  return {StatusCode::kCheckFailed, std::move(message)};
}
SKIFF_API Status Internal(std::string message) {
  return {StatusCode::kInternal, std::move(message)};
}

}  // namespace skiff
