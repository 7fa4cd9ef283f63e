// What a model is fed when it is not pictures: .npy files, or made-up values of a shape that the
// model, the flags or the preprocessing decide.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/flags.h"
#include "imaging/preprocess.h"
#include "program/program.h"
#include "skiff/session.h"

namespace skiff::cli {

using Tensors = std::vector<program::Tensor>;

struct InputOptions {
  std::vector<std::string> files;   // "name=x.npy"
  std::vector<std::string> shapes;  // "name=1,3,224,224"
  int64_t batch_size = 1;
};

void AddInputFileFlag(Verb& verb, InputOptions& options);
// --input_shape and --batch_size.
void AddShapeFlags(Verb& verb, InputOptions& options);

// One tensor for each input of the session, in its order. Every input must have a file.
Result<Tensors> ReadInputs(const Session& session, const InputOptions& options);

// The same, but an input without a file gets made-up values: floats between -2 and 2, always the
// same ones, and zeros for integers. Its shape is the flag's or the declared one, where a free
// first extent is the batch size, and free sides of a picture are those that preprocessing makes.
Result<Tensors> MakeInputs(const Session& session, const InputOptions& options,
                           const imaging::Preprocess& preprocess);

// `tensors` must live until the session has run.
Status SetInputs(Session& session, const Tensors& tensors);

}  // namespace skiff::cli
