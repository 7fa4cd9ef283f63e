// .pdmodel and __model__: what is read can be described, and written and read again unchanged.
#include "formats/program_reader.h"
#include "formats/program_writer.h"
#include "formats/summary.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  const fuzz::Input input(data, size);
  const Result<program::Program> program = formats::ReadProgram(input.Bytes(), "fuzz");
  if (!program.ok()) return 0;
  (void)formats::Summarise(*program);
  const Result<std::string> written = formats::SerializeProgram(*program);
  fuzz::Require(written.ok(), "a program that was read cannot be written");
  const Result<program::Program> again =
      formats::ReadProgram(std::as_bytes(std::span(*written)), "fuzz");
  fuzz::Require(again.ok(), "a program that was written cannot be read");
  const Result<std::string> rewritten = formats::SerializeProgram(*again);
  fuzz::Require(rewritten.ok() && *rewritten == *written, "writing twice gives different bytes");
  return 0;
}
