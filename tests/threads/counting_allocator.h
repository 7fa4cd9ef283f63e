// Counts what this program allocates, the shared library included.
#pragma once

namespace skiff::api_tests {

struct Allocations {
  long all = 0;
  long inside_onednn = 0;  // asked for by code of libdnnl itself
};

// What all threads allocate between the two; nothing is counted under a sanitizer.
void StartCounting();
Allocations StopCounting();

}  // namespace skiff::api_tests
