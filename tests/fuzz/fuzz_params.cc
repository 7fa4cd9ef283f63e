// .pdiparams and __params__: a byte that says how many parameters the program has, then the file.
#include "formats/params.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  fuzz::Input input(data, size);
  program::Program program;
  program::Block& block = program.blocks.emplace_back();
  for (int i = input.Byte(); i > 0; --i) {
    program::VarDesc& var = block.vars.emplace_back();
    var.name = "parameter" + std::to_string(i);
    var.persistable = true;
  }
  if (!formats::ReadCombinedParams(input.Bytes(), "fuzz", &program).ok()) return 0;
  for (const auto& [name, tensor] : program.params) {
    fuzz::Touch(tensor.data.bytes.data(), tensor.data.bytes.size());
  }
  return 0;
}
