// DataStep: the common half of steps that move elements without computing, whatever their type.
#pragma once

#include <string>

#include "base/dtype.h"
#include "steps/step.h"

namespace skiff::steps {

// StepInfo::precision of an element type: "int8" for codes, "fp32" for floats, else its name.
inline std::string PrecisionName(DType type) {
  if (IsInt8(type)) return "int8";
  return type == DType::kFloat32 ? "fp32" : std::string(Name(type));
}

class DataStep : public Step {
 public:
  DataStep(DType type, const char* kernel) : type_(type), kernel_(kernel) {}

  [[nodiscard]] StepInfo Info() const override {
    return {.precision = PrecisionName(type_), .kernel = kernel_};
  }

 protected:
  [[nodiscard]] DType type() const { return type_; }
  [[nodiscard]] size_t element_size() const { return SizeOf(type_); }

 private:
  DType type_;
  const char* kernel_;
};

}  // namespace skiff::steps
