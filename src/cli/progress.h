// Progress: a line on standard error with what is done, what is left and how long that will take.
// Silent when standard error is no terminal. Used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace skiff::cli {

class Progress {
 public:
  Progress(std::string unit, int64_t total);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Redraws at most ten times a second. `note` stands at the end of the line.
  void Update(int64_t done, const std::string& note);
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  int64_t total_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace skiff::cli
