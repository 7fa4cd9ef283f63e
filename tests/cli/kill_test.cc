// Kills `skiff quantize` at many moments, and asks it to stop: what it wrote is a whole model or
// none, and the run that is let finish gives the same bytes as one that was never disturbed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace skiff {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = SKIFF_SOURCE_DIR;
constexpr std::array<const char*, 3> kFiles = {"model.pdiparams", "calibration_table.txt",
                                               "model.pdmodel"};

std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class KillTest : public testing::Test {
 protected:
  KillTest() : folder_(fs::path(testing::TempDir()) / ("skiff_kill_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~KillTest() override { fs::remove_all(folder_); }

  pid_t Start(const std::string& out, const std::string& cache, int batch_size = 1) const {
    std::vector<std::string> words = {SKIFF_BINARY,
                                      "quantize",
                                      "--model_dir",
                                      (kSource / "models" / "mobilenet_v2").string(),
                                      "--data",
                                      (kSource / "data" / "pictures").string(),
                                      "--batch_nums",
                                      "3",
                                      "--batch_size",
                                      std::to_string(batch_size),
                                      "--crop_size",
                                      "96",
                                      "--no_check",
                                      "--cache_dir",
                                      (folder_ / cache).string(),
                                      "--out",
                                      (folder_ / out).string()};
    const pid_t child = fork();
    if (child != 0) return child;
    const int null = open("/dev/null", O_RDWR);
    const int said = open((folder_ / "said").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(SKIFF_BINARY, arguments.data());
    _exit(127);
  }

  // The exit code; of a process that a signal ended, the signal's number below zero.
  static int Finish(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  fs::path folder_;
};

TEST_F(KillTest, NeverHalfAModelAndTheSameBytesInTheEnd) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  ASSERT_EQ(Finish(Start("whole", "cache_of_whole")), 0);
  const Clock::duration needed = Clock::now() - start;
  int killed = 0;
  for (int i = 1; i <= 10; ++i) {
    // Each run begins where the cache of the one before it ends, so all get farther.
    const pid_t child = Start("out", "cache");
    std::this_thread::sleep_for(needed * (1 + i % 4) / 16);
    kill(child, SIGKILL);
    killed += Finish(child) != 0;
    for (const char* name : kFiles) {
      const fs::path file = folder_ / "out" / name;
      if (fs::exists(file)) {
        EXPECT_EQ(Slurp(file), Slurp(folder_ / "whole" / name)) << name;
      }
    }
  }
  EXPECT_GE(killed, 2) << "else nothing was tried";
  ASSERT_EQ(Finish(Start("out", "cache")), 0);
  for (const char* name : kFiles) {
    EXPECT_EQ(Slurp(folder_ / "out" / name), Slurp(folder_ / "whole" / name)) << name;
  }
}

// Ctrl-C once something is in the cache.
TEST_F(KillTest, StopsWhenAskedAndGoesOn) {
  ASSERT_EQ(Finish(Start("whole", "cache_of_whole")), 0);
  const fs::path cache = folder_ / "cache";
  const pid_t child = Start("out", "cache");
  for (int i = 0; i < 6000 && (!fs::exists(cache) || fs::is_empty(cache)); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGINT);
  EXPECT_EQ(Finish(child), 130);
  const std::string said = Slurp(folder_ / "said");
  EXPECT_NE(said.find("goes on from what is in " + cache.string()), std::string::npos) << said;
  EXPECT_FALSE(fs::exists(folder_ / "out")) << "nothing is written";
  ASSERT_EQ(Finish(Start("out", "cache")), 0);
  for (const char* name : kFiles) {
    EXPECT_EQ(Slurp(folder_ / "out" / name), Slurp(folder_ / "whole" / name)) << name;
  }
}

// The second Ctrl-C ends what the first one only asks to end behind the batch at hand; a batch is
// large here, but the first may come just before its end.
TEST_F(KillTest, TheSecondCtrlCEndsItAtOnce) {
  bool ended = false;
  for (int i = 0; i < 10 && !ended; ++i) {
    fs::remove(folder_ / "said");
    const pid_t child = Start("out", "cache_" + std::to_string(i), 32);
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + 50 * i));
    kill(child, SIGINT);
    for (int ms = 0; ms < 1000 && Slurp(folder_ / "said").find("once more") == std::string::npos;
         ++ms) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(child, SIGINT);
    const int code = Finish(child);
    EXPECT_TRUE(code == -SIGINT || code == 130) << code;  // the same to a shell
    const bool asked = Slurp(folder_ / "said").find("once more kills") != std::string::npos;
    ended = asked && code == -SIGINT;
    EXPECT_FALSE(fs::exists(folder_ / "out")) << "nothing is written";
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace skiff
