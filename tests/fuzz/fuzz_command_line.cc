// The command line, one argument a line: parsed and checked, and nothing of what it asks for is
// done.
#include <algorithm>
#include <vector>

#include "cli/text.h"
#include "cli/verb.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  // An argument ends at its first NUL, as it does when a program is started.
  std::vector<std::string> words = cli::Split(fuzz::Input(data, size).Text(), '\n');
  std::vector<const char*> arguments = {"skiff"};
  for (const std::string& word : words) arguments.push_back(word.c_str());

  cli::Verbs verbs("skiff", "0", "Fuzzing");
  // Those that are named, as declaring all their flags takes longer than anything else.
  for (const cli::VerbEntry& verb : cli::kVerbs) {
    if (std::find(words.begin(), words.end(), verb.name) != words.end()) verb.add(verbs);
  }
  const std::optional<int> code = verbs.Parse(static_cast<int>(arguments.size()), arguments.data());
  fuzz::Require(!code || *code == 0 || *code == 2, "an exit code that is not documented");
  return 0;
}
