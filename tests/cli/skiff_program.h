// What the tests of the command line share: the built `skiff`, run as a user runs it, and files for
// it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace skiff::cli_tests {

namespace fs = std::filesystem;
using Json = nlohmann::json;

inline const fs::path kSource = SKIFF_SOURCE_DIR;
inline const std::string kInt8 =
    "--model_dir " + (kSource / "models" / "mobilenet_v2_int8").string();
inline const std::string kFloat = "--model_dir " + (kSource / "models" / "mobilenet_v2").string();
inline const fs::path kPictures = kSource / "data" / "pictures";
inline const std::string kPicture = (kPictures / "5bf502c4a4b7d04d.png").string();  // an ostrich

inline std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// An array of zeros in NumPy's format.
inline std::string Npy(const std::string& descr, const std::string& shape, size_t bytes) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize(117, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         std::string(bytes, '\0');
}

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class Cli : public testing::Test {
 protected:
  Cli() : folder_(fs::path(testing::TempDir()) / ("skiff_cli_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  ~Cli() override { fs::remove_all(folder_); }

  // `arguments` go through a shell: "< FILE" in them is standard input, which is empty otherwise.
  Outcome Skiff(const std::string& arguments, const std::string& environment = "") {
    const fs::path out = folder_ / "stdout";
    const fs::path err = folder_ / "stderr";
    const std::string command = environment + " </dev/null " SKIFF_BINARY " " + arguments + " >" +
                                out.string() + " 2>" + err.string();
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Slurp(out), Slurp(err)};
  }

  // Standard output must be one JSON value and nothing else.
  Json SkiffJson(const std::string& arguments) {
    const Outcome outcome = Skiff(arguments + " --json");
    EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
    Json json = Json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << outcome.out;
    return json;
  }

  void ExpectRefused(const std::string& arguments, int code, const std::string& part) {
    const Outcome outcome = Skiff(arguments);
    EXPECT_EQ(outcome.code, code) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_THAT(outcome.err, testing::HasSubstr(part)) << arguments;
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }

  // The bundled pictures with their labels; no more than `count`. Paths begin with `folder`.
  std::string PictureList(size_t count, const fs::path& folder = {}) {
    std::ifstream credits(kPictures / "credits.csv");
    std::string line;
    std::string list = "# path label\n\n";
    std::getline(credits, line);
    for (size_t i = 0; i < count && std::getline(credits, line); ++i) {
      const size_t comma = line.find(',');
      const size_t end = line.find(',', comma + 1);
      list += (folder / line.substr(0, comma)).string() + " " +
              line.substr(comma + 1, end - comma - 1) + "\n";
    }
    return Write("list.txt", list);
  }

  fs::path folder_;
};

}  // namespace skiff::cli_tests
