// Runs many small trials in child processes, so that a crash, a hang or a huge allocation in one of
// them is a finding and not the end of the test.
//
// Thread-safety: none; the calling process should have one thread, since it forks.
#pragma once

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <vector>

namespace skiff::corruption {

enum class Outcome : int { kRefused, kAnswered };

struct Tally {
  int refused = 0;   // a clean error
  int answered = 0;  // loaded, and ran where the trial runs models
  std::vector<std::string> failures;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kLimitMemory = false;  // sanitizers reserve terabytes of addresses
#else
inline constexpr bool kLimitMemory = true;
#endif

// The address space that the process has now, plus `more` bytes, is all that it may have.
inline void LimitMemory(size_t more) {
  if (!kLimitMemory) return;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const size_t limit = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + more;
  const rlimit both{limit, limit};
  ::setrlimit(RLIMIT_AS, &both);
}

// Ends the process after so many seconds of its own time, or ten times as many of anybody's: a busy
// machine is no finding, waiting forever is.
inline void LimitTime(int seconds) {
  const itimerval own{{0, 0}, {seconds, 0}};
  ::setitimer(ITIMER_PROF, &own, nullptr);
  ::alarm(static_cast<unsigned>(10 * seconds));
}

// What a child tells its parent, in a page that they share.
struct Progress {
  int next = 0;  // the trial that runs now
  int refused = 0;
  int answered = 0;
};

// Runs trial(i) for i in [0, trials); the child that dies in one is followed by another that starts
// behind it. A trial may compute for `seconds` and allocate `memory` bytes.
template <typename Trial>
Tally RunTrials(int trials, int seconds, size_t memory, const Trial& trial) {
  void* page =
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return {.failures = {"cannot share memory with children"}};
  auto* progress = new (page) Progress();
  Tally tally;
  while (progress->next < trials) {
    std::fflush(nullptr);  // or the child has the same output to write
    const pid_t child = ::fork();
    if (child < 0) return {.failures = {"cannot fork"}};
    if (child == 0) {
      LimitMemory(memory);
      while (progress->next < trials) {
        LimitTime(seconds);
        const Outcome outcome = trial(progress->next);
        ++(outcome == Outcome::kRefused ? progress->refused : progress->answered);
        ++progress->next;
      }
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    std::string end = "exit code " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) {
      const int signal = WTERMSIG(status);
      end = signal == SIGALRM || signal == SIGPROF ? "took too long" : ::strsignal(signal);
    }
    tally.failures.push_back("copy " + std::to_string(progress->next) + ": " + end);
    ++progress->next;
  }
  tally.refused = progress->refused;
  tally.answered = progress->answered;
  ::munmap(page, sizeof(Progress));
  return tally;
}

}  // namespace skiff::corruption
