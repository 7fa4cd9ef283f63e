#include "cli/progress.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace skiff::cli {

Progress::Progress(std::string unit, int64_t total)
    : unit_(std::move(unit)), total_(total), terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::Update(int64_t done, const std::string& note) {
  const Clock::time_point now = Clock::now();
  if (!terminal_ || (drawn_ && now - last_ < std::chrono::milliseconds(100))) return;
  last_ = now;
  drawn_ = true;
  constexpr int64_t kCells = 30;
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1.0;
  const auto cells = static_cast<size_t>(share * kCells);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double left = done > 0 ? seconds * (1 - share) / share : 0;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  fmt::print(stderr, "\r\x1b[K[{:<{}}] {}/{} {}, {:.1f}/s, {} left  {}", std::string(cells, '='),
             kCells, done, total_, unit_, rate,
             fmt::format("{:%T}", std::chrono::seconds(static_cast<int64_t>(left))), note);
  std::fflush(stderr);
}

void Progress::Clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

std::function<void(std::string_view, int64_t, int64_t)> StageProgress::Callback() {
  return [this](std::string_view stage, int64_t done, int64_t total) {
    if (!bar_ || stage != stage_) {
      stage_ = stage;
      bar_.emplace("done", total);
    }
    bar_->Update(done, stage_);
  };
}

}  // namespace skiff::cli
