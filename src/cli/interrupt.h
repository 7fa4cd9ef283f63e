// Interrupt: Ctrl-C as a wish to end at the next safe point, for work that keeps what it has done.
//
// Of the whole process; both functions may be called from any thread.
#pragma once

namespace skiff::cli {

// From now on the first SIGINT is a wish; another one kills.
void CatchInterrupt();

// Whether there was one.
bool Interrupted();

}  // namespace skiff::cli
