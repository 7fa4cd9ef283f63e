#include "api/errors.h"

#include "paddle_infer/paddle_error.h"

namespace paddle::platform {

EnforceNotMet::EnforceNotMet(const std::string& kind, const std::string& message)
    : kind_(kind), what_("(" + kind + ") " + message) {}
EnforceNotMet::EnforceNotMet(const EnforceNotMet& other) = default;
EnforceNotMet& EnforceNotMet::operator=(const EnforceNotMet& other) = default;
EnforceNotMet::~EnforceNotMet() noexcept = default;
const char* EnforceNotMet::what() const noexcept { return what_.c_str(); }
const std::string& EnforceNotMet::kind() const noexcept { return kind_; }

}  // namespace paddle::platform

namespace skiff::api {
namespace {

const char* KindOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: break;
    case StatusCode::kInvalidArgument:
    case StatusCode::kCorruption: return "InvalidArgument";
    case StatusCode::kNotFound: return "NotFound";
    case StatusCode::kUnsupported: return "Unimplemented";
    case StatusCode::kIoError: return "Unavailable";
    case StatusCode::kResourceExhausted: return "ResourceExhausted";
    case StatusCode::kCheckFailed: return "PreconditionNotMet";
    case StatusCode::kInternal: return "Fatal";
  }
  return "Fatal";
}

}  // namespace

void Throw(const char* kind, const std::string& message) {
  throw paddle::platform::EnforceNotMet(kind, message);
}

void Throw(const Status& status) { Throw(KindOf(status.code()), std::string(status.message())); }

}  // namespace skiff::api
