// Status and Result<T>: how every room reports failure. No exception crosses a room's edge.
//
// A Status is one pointer, null when ok, so passing it around costs nothing on the hot path.
// Messages name what the user can act on: file, operator, tensor, shape.
// Thread-safety: value types; distinct objects may be used from distinct threads.
#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace skiff {

enum class StatusCode {
  kOk,
  kInvalidArgument,    // the caller asked for something that makes no sense
  kNotFound,           // a file, tensor or operator that was named does not exist
  kCorruption,         // a file contradicts its own format
  kUnsupported,        // valid, but Skiff cannot do it
  kIoError,            // the operating system refused
  kResourceExhausted,  // a limit on memory, depth or count would be passed
  kCheckFailed,        // a bound that the caller set was not met
  kInternal,           // a defect of Skiff
};

std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(StatusCode code, std::string message)
      : rep_(std::make_shared<const Rep>(Rep{code, std::move(message)})) {}

  [[nodiscard]] bool ok() const noexcept { return rep_ == nullptr; }
  [[nodiscard]] StatusCode code() const noexcept { return rep_ ? rep_->code : StatusCode::kOk; }
  [[nodiscard]] std::string_view message() const noexcept {
    return rep_ ? std::string_view(rep_->message) : std::string_view();
  }
  // "corruption: inference.pdmodel: ...".
  [[nodiscard]] std::string ToString() const;
  // The same failure with "context: " put before its message; ok stays ok.
  [[nodiscard]] Status WithContext(std::string_view context) const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

inline Status OkStatus() { return {}; }
Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status Corruption(std::string message);
Status Unsupported(std::string message);
Status IoError(std::string message);
Status ResourceExhausted(std::string message);
Status CheckFailed(std::string message);
Status Internal(std::string message);

// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                                  // NOLINT
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return value_.has_value(); }
  [[nodiscard]] const Status& status() const noexcept { return status_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace skiff
