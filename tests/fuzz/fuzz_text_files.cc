// The text files of the command line: a byte that says which, then the file.
#include "cli/classes.h"
#include "cli/predictions.h"
#include "cli/text.h"
#include "fuzz.h"
#include "imaging/preprocess.h"

namespace skiff::fuzz {
namespace {

void ReadLabels(const std::string& path) {
  const Result<cli::Labels> labels = cli::Labels::Read(path);
  if (!labels.ok()) return;
  for (int64_t label = -1; label < 4; ++label) (void)labels->ShortName(label);
}

void ReadOne(int kind, std::string_view text) {
  switch (kind % 5) {
    case 0: (void)imaging::ParsePreprocessJson(text); break;
    case 1: ReadLabels(MemoryFile(text).path()); break;
    case 2: (void)cli::ReadSamples(MemoryFile(text).path()); break;
    case 3: {
      const MemoryFile file(text);
      const auto predictions = cli::ReadPredictions(file.path());
      if (predictions.ok()) (void)cli::Compare(*predictions, *predictions);
      break;
    }
    case 4: (void)cli::ParseDims(text); break;
  }
}

}  // namespace
}  // namespace skiff::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  skiff::fuzz::Input input(data, size);
  const int kind = input.Byte();
  skiff::fuzz::ReadOne(kind, input.Text());
  return 0;
}
