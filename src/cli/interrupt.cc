#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace skiff::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may write it");

void OnSignal(int) {
  interrupted = true;
  constexpr std::string_view kSaid = "\nskiff: stopping; Ctrl-C once more kills\n";
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kSaid.data(), kSaid.size());
}

}  // namespace

void CatchInterrupt() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
}

bool Interrupted() { return interrupted; }

}  // namespace skiff::cli
