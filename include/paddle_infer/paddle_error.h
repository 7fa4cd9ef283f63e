// The one exception of this API: what() starts with the kind of failure, "(InvalidArgument) ...".
//
// It is thrown inside the shared library and can be caught outside of it, as itself or as
// std::exception. Value type.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <exception>
#include <string>

#include "paddle_infer_declare.h"

namespace paddle {
namespace platform {

class PD_INFER_DECL EnforceNotMet : public std::exception {
 public:
  // `kind` is a name like "InvalidArgument".
  EnforceNotMet(const std::string& kind, const std::string& message);
  EnforceNotMet(const EnforceNotMet& other);
  EnforceNotMet& operator=(const EnforceNotMet& other);
  ~EnforceNotMet() noexcept override;

  const char* what() const noexcept override;
  const std::string& kind() const noexcept;

 private:
  std::string kind_;
  std::string what_;
};

}  // namespace platform
}  // namespace paddle

namespace phi {
namespace enforce {
using paddle::platform::EnforceNotMet;
}  // namespace enforce
}  // namespace phi

// NOLINTEND(readability-identifier-naming)
