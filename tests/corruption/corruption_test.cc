// Damaged models: a clean error or an answer, never a crash, a hang or a huge allocation.
//
// The models of the repository get a few hundred damaged copies. More in the environment:
//   SKIFF_CORRUPTION_MODELS=folder:folder   other models
//   SKIFF_CORRUPTION_COPIES=1000            copies of each model
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "damage.h"
#include "formats/model_files.h"
#include "formats/summary.h"
#include "sandbox.h"
#include "skiff/session.h"

namespace skiff::corruption {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMemory = size_t{1} << 30;
constexpr int kSecondsPerCopy = 20;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The folders with a `.pdmodel`, and combined parameters, below the repository's own.
std::vector<fs::path> RepositoryModels() {
  std::vector<fs::path> folders;
  for (const char* root : {"tests/golden/formats", "models"}) {
    const fs::path parent = fs::path(SKIFF_SOURCE_DIR) / root;
    if (!fs::is_directory(parent)) continue;
    for (const auto& entry : fs::directory_iterator(parent)) {
      if (fs::exists(entry.path() / "inference.pdmodel")) folders.push_back(entry.path());
    }
  }
  return folders;
}

std::vector<fs::path> EnvironmentModels() {
  std::vector<fs::path> folders;
  const char* list = std::getenv("SKIFF_CORRUPTION_MODELS");
  std::istringstream names(list ? list : "");
  for (std::string name; std::getline(names, name, ':');) folders.emplace_back(name);
  return folders;
}

int Copies(int fallback) {
  const char* copies = std::getenv("SKIFF_CORRUPTION_COPIES");
  return copies ? std::atoi(copies) : fallback;
}

struct Model {
  program::Program program;
  ModelBytes bytes;
};

Model LoadModel(const fs::path& folder) {
  Result<program::Program> program = formats::LoadModel({.model_dir = folder.string()});
  EXPECT_TRUE(program.ok()) << program.status().ToString();
  if (!program.ok()) return {};
  fs::path path = program->source;
  Model model{*std::move(program), {}};
  model.bytes.program = ReadFile(path);
  model.bytes.params = ReadFile(path.replace_extension(".pdiparams"));
  return model;
}

Outcome ReadOnly(const ModelBytes& bytes) {
  const Result<program::Program> program =
      formats::LoadModel({.model_buffer = std::as_bytes(std::span(bytes.program)),
                          .params_buffer = std::as_bytes(std::span(bytes.params))});
  if (!program.ok()) return Outcome::kRefused;
  (void)formats::Summarise(*program);
  return Outcome::kAnswered;
}

// An input as the undamaged model declares it; batches of one, other free extents small.
struct Input {
  DType dtype;
  std::vector<int64_t> dims;
  std::vector<std::byte> zeros;
};

std::vector<Input> MakeInputs(const program::Program& program) {
  std::vector<Input> inputs;
  for (const TensorInfo& info : formats::Summarise(program).inputs) {
    Input input{info.dtype, info.dims, {}};
    size_t bytes = SizeOf(info.dtype);
    for (size_t i = 0; i < input.dims.size(); ++i) {
      if (input.dims[i] < 0) input.dims[i] = i == 0 ? 1 : 64;
      bytes *= static_cast<size_t>(input.dims[i]);
    }
    input.zeros.resize(bytes);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Status LoadAndRun(const ModelBytes& bytes, const std::vector<Input>& inputs, Precision precision) {
  SessionOptions options;
  options.precision = precision;
  options.memory_limit = kMemory / 4;
  options.warm_up = false;
  SKIFF_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Load({.model_buffer = std::as_bytes(std::span(bytes.program)),
                                        .params_buffer = std::as_bytes(std::span(bytes.params))},
                                       options));
  for (size_t i = 0; i < session->inputs().size(); ++i) {
    if (inputs.empty()) return InvalidArgument("the model has no input to begin with");
    const Input& input = inputs[i % inputs.size()];
    SKIFF_RETURN_IF_ERROR(session->SetInput(i, input.dtype, input.dims, input.zeros.data()));
  }
  SKIFF_RETURN_IF_ERROR(session->Run());
  for (size_t i = 0; i < session->outputs().size(); ++i) {
    SKIFF_ASSIGN_OR_RETURN(const TensorView view, session->Output(i));
    // Every byte that the answer claims to have must be there.
    volatile std::byte sink{};
    const auto* data = static_cast<const std::byte*>(view.data);
    for (size_t b = 0; b < view.bytes; ++b) sink = data[b];
    (void)sink;
  }
  return OkStatus();
}

// How many of the copies were answered.
template <typename Trial>
int DamageAndTry(const fs::path& folder, int copies, const Trial& trial) {
  const Model model = LoadModel(folder);
  if (model.bytes.program.empty()) return 0;
  const Tally tally = RunTrials(copies, kSecondsPerCopy, kMemory, [&](int copy) {
    Damager damage(static_cast<uint32_t>(copy));
    return trial(damage(model.program, model.bytes));
  });
  std::printf("%-24s %d copies: %d refused, %d answered, %zu failed\n", folder.filename().c_str(),
              copies, tally.refused, tally.answered, tally.failures.size());
  for (const std::string& failure : tally.failures) {
    ADD_FAILURE() << folder.filename() << " " << failure;
  }
  EXPECT_GT(tally.refused, 0);
  return tally.answered;
}

TEST(Corruption, SandboxSeesCrashesHangsAndAllocations) {
  const Tally tally = RunTrials(5, 1, kMemory, [](int i) {
    if (i == 1) std::abort();
    if (i == 2) ::raise(SIGSEGV);
    if (i == 3) {
      for (volatile bool hang = true; hang;) {
      }
    }
    if (i == 4 && kLimitMemory) {
      void* memory = ::mmap(nullptr, 2 * kMemory, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return Outcome::kRefused;
    }
    return Outcome::kAnswered;
  });
  EXPECT_EQ(tally.failures.size(), 3u);
  EXPECT_EQ(tally.refused, kLimitMemory ? 1 : 0);
  EXPECT_EQ(tally.answered, kLimitMemory ? 1 : 2);
}

TEST(Corruption, Readers) {
  const std::vector<fs::path> folders = RepositoryModels();
  EXPECT_GE(folders.size(), 10u);
  for (const fs::path& folder : folders) DamageAndTry(folder, Copies(100), ReadOnly);
  for (const fs::path& folder : EnvironmentModels()) DamageAndTry(folder, Copies(1000), ReadOnly);
}

// True when some of the damaged copies loaded and ran.
bool TrySessions(const fs::path& folder, int copies) {
  const std::vector<Input> inputs = MakeInputs(LoadModel(folder).program);
  const int answered = DamageAndTry(folder, copies, [&inputs](const ModelBytes& bytes) {
    const Status fp32 = LoadAndRun(bytes, inputs, Precision::kFp32);
    const Status int8 = LoadAndRun(bytes, inputs, Precision::kInt8);
    return fp32.ok() || int8.ok() ? Outcome::kAnswered : Outcome::kRefused;
  });
  return answered > 0;
}

TEST(Corruption, Sessions) {
  const std::vector<fs::path> folders = RepositoryModels();
  int running = 0;
  for (const fs::path& folder : folders) running += TrySessions(folder, Copies(40)) ? 1 : 0;
  // Three have operators that Skiff lacks. If the others never answer, the damage is too much.
  EXPECT_GE(running, static_cast<int>(folders.size()) - 3);
  for (const fs::path& folder : EnvironmentModels()) TrySessions(folder, Copies(1000));
}

}  // namespace
}  // namespace skiff::corruption
