// The weights of a program that is being converted: each becomes an int8 parameter behind a
// dequantize_linear, with a float copy for readers that leave the integers.
//
// Used by one thread; editor, names and parameters must outlive it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/status.h"
#include "quant/convert/quantizer_ops.h"
#include "quant/edit.h"
#include "quant/weights.h"

namespace skiff::quant {

// Names that nothing in the program has.
class NewNames {
 public:
  explicit NewNames(std::set<std::string> taken) : taken_(std::move(taken)) {}
  // `name`, or that with underscores behind it.
  std::string Make(std::string name);
  [[nodiscard]] bool Made(const std::string& name) const { return made_.contains(name); }

 private:
  std::set<std::string> taken_;
  std::set<std::string> made_;
};

// A parameter of zeros, as many as there are scales. Returns its name.
std::string AddZeroPoint(Editor* editor, NewNames* names, const std::string& of, int64_t scales);

class ConvertedWeights {
 public:
  ConvertedWeights(const Params& stored, Editor* editor, NewNames* names)
      : stored_(stored), editor_(editor), names_(names) {}

  // Whether `name` is the float variable of a weight.
  [[nodiscard]] bool Has(const std::string& name) const { return weights_.contains(name); }

  // The weight that a dequantize_linear of the model makes float.
  void AddLinear(const std::string& param, const std::string& as_float, QuantizedWeight codes);
  // A float weight whose fake operator wrote `as_float`.
  void AddFake(const std::string& param, const std::string& as_float, QuantizedWeight codes);
  // A parameter that operators read as it is (R1, R5, R6). Returns the variable to read in its
  // place, the same for all readers. `was_float`: the file has it as it was before rounding.
  Result<std::string> Add(const std::string& param, QuantizedWeight codes, bool was_float);

  // The float parameter to read in the place of the variable `as_float`. REQUIRES: Has(as_float).
  std::string FloatCopy(const std::string& as_float);

 private:
  struct Weight {
    std::string param;
    QuantizedWeight codes;
    bool was_float = false;
    std::string float_copy;  // empty: none yet
  };

  void Store(const std::string& as_float, Weight weight);
  void AppendDequantize(const std::string& as_float);

  const Params& stored_;  // the parameters as they were
  Editor* editor_;
  NewNames* names_;
  std::map<std::string, Weight> weights_;        // by the variable that operators read
  std::map<std::string, std::string> by_param_;  // of those that Add made
};

}  // namespace skiff::quant
