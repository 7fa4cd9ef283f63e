// Progress: a line on standard error with what is done, what is left and how long that will take.
// Silent when standard error is no terminal. Used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

// The same for work that goes through stages, each with a count of its own.
class StageProgress {
 public:
  // As Quantize and its like call it. Valid while this lives.
  std::function<void(std::string_view stage, int64_t done, int64_t total)> Callback();
  void Clear() { bar_.reset(); }

 private:
  std::string stage_;
  std::optional<Progress> bar_;
};

}  // namespace skiff::cli
