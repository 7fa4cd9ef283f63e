// A program's files under the names that a user asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::quant {

struct TextFile {
  std::string name;
  std::string text;
};

// Into `folder`, made if need be, each file under a temporary name first and the program last: who
// finds it finds its parameters and what `beside` puts next to them. An empty `params_filename`: a
// file for each parameter.
Status WriteFiles(const program::Program& program, const std::string& folder,
                  const std::string& model_filename, const std::string& params_filename,
                  const std::vector<TextFile>& beside = {});

// The size of all parameters together, without their headers.
int64_t ParameterBytes(const program::Program& program);

}  // namespace skiff::quant
