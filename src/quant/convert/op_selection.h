// Which quantised operators a user wants to keep so, in the names of Paddle's converter.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "skiff/convert.h"

namespace skiff::quant {

class OpSelection {
 public:
  // Errors: a type that Paddle's converter does not know either.
  static Result<OpSelection> Make(const ConvertOptions& options);

  // Why the operator becomes float; empty when it stays quantised. `times_constant`: it multiplies
  // by a parameter, which fusion makes an fc of.
  std::string WhyFloat(const program::OpDesc& op, int64_t id, bool times_constant);
  // An error when an id that was to be skipped was never asked about.
  [[nodiscard]] Status CheckAllFound() const;

 private:
  std::set<std::string> types_;  // empty: all
  std::set<int64_t> skip_;
  std::set<int64_t> found_;
};

}  // namespace skiff::quant
