// Memory that the process holds without need, back to the system. Thread-safe.
#pragma once

namespace skiff {

// What was freed and malloc keeps for later: worth it after large blocks of many sizes.
void ReturnFreeMemory();

}  // namespace skiff
