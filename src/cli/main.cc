// skiff: makes, runs, measures and explains quantised PaddlePaddle models (docs/cli.md).
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "cli/verb.h"

namespace skiff::cli {
namespace {

int Main(int argc, char** argv) {
  Verbs verbs("skiff", SKIFF_VERSION,
              "Makes, runs, measures and explains quantised PaddlePaddle models");
  for (const VerbEntry& verb : kVerbs) verb.add(verbs);
  return verbs.Main(argc, argv);
}

}  // namespace
}  // namespace skiff::cli

int main(int argc, char** argv) {
  try {
    return skiff::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("skiff: out of memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "skiff: internal error: %s\n", error.what());
  }
  return EXIT_FAILURE;
}
