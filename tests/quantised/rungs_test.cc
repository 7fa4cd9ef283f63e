// Quantised models on every rung of this CPU, with one thread and two, at batch 1 and 7: each step
// is fed with what the scalar rung, the reference, computed, and must write the same bytes; a model
// whose steps are all Skiff's own must write them from its inputs alone too. Only what oneDNN
// computes in float is outside the contract (docs/numerics.md).
//
// The models are small ones of the repository and those in the folders of SKIFF_MODELS, a
// colon-separated list: folders of models with an input in reference/x.npy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/isa.h"
#include "formats/npy.h"
#include "runtime/context.h"
#include "session/load.h"
#include "steps/step.h"

namespace skiff {
namespace {

namespace fs = std::filesystem;

constexpr Isa kAllIsas[] = {Isa::kScalar,   Isa::kAvx2,       Isa::kAvxVnni,
                            Isa::kAvx512bw, Isa::kAvx512Vnni, Isa::kAmx};
constexpr size_t kMemoryLimit = size_t{8} << 30;  // every tensor is kept

struct Model {
  std::string name;
  fs::path folder;
  fs::path input;
};

void AddRepositoryModels(std::vector<Model>* models) {
  const fs::path source = SKIFF_SOURCE_DIR;
  const fs::path small = source / "tests/golden/quantised/x.npy";
  for (const char* name : {"q26_old_cw", "q26_qat_old", "q26_onnx", "q26_qat_onnx", "m33leg_ptq",
                           "q26_min_max", "q26_int8", "q26_attention"}) {
    models->push_back({name, source / "tests/golden/formats" / name, small});
  }
  models->push_back({"mobilenet_v2_int8", source / "models/mobilenet_v2_int8", {}});
}

void AddFolder(const fs::path& folder, std::vector<Model>* models) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const fs::path input = entry.path() / "reference/x.npy";
    if (!fs::exists(input)) continue;
    std::string name = entry.path().filename();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
    models->push_back({name, entry.path(), input});
  }
  std::sort(models->begin(), models->end(),
            [](const Model& a, const Model& b) { return a.name < b.name; });
}

std::vector<Model> Models() {
  std::vector<Model> models;
  AddRepositoryModels(&models);
  const char* folders = std::getenv("SKIFF_MODELS");
  std::string rest = folders == nullptr ? "" : folders;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    AddFolder(rest.substr(0, end), &models);
    rest.erase(0, end + 1);
  }
  return models;
}

// A float input and its copies, each a little dimmer than the one before, so that no two samples of
// a batch are alike.
struct Input {
  std::vector<int64_t> dims;
  std::vector<float> values;

  [[nodiscard]] Input Batch(int64_t n) const {
    Input batch = {dims, {}};
    batch.dims[0] = n;
    for (int64_t i = 0; i < n; ++i) {
      const float factor = 1.0F - 0.07F * static_cast<float>(i);
      for (const float v : values) batch.values.push_back(v * factor);
    }
    return batch;
  }
};

class RungsTest : public ::testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    ModelSource source;
    source.model_dir = GetParam().folder;
    Result<program::Program> program = session::ReadSource(source);
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    program_ = *std::move(program);
    ReadInput();
  }
  void TearDown() override { unsetenv("SKIFF_ISA"); }

  void ReadInput() {
    if (GetParam().input.empty()) {
      input_.dims = {1, 3, 32, 32};
      for (int i = 0; i < 3 * 32 * 32; ++i) {
        input_.values.push_back(static_cast<float>(i * 7 % 255) / 60.0F - 2.0F);
      }
      return;
    }
    const Result<program::Tensor> x = formats::ReadNpy(GetParam().input.string());
    ASSERT_TRUE(x.ok()) << x.status().ToString();
    input_.dims = x->dims;
    const auto values = x->As<float>();
    const size_t sample = values.size() / static_cast<size_t>(x->dims[0]);
    input_.values.assign(values.begin(), values.begin() + static_cast<ptrdiff_t>(sample));
  }

  [[nodiscard]] Result<std::shared_ptr<const plan::Model>> Compile(Isa isa) const {
    setenv("SKIFF_ISA", std::string(Name(isa)).c_str(), 1);
    plan::CompileOptions options;
    options.in_place = false;
    options.join_in_place = false;
    return plan::Compile(program_, options);
  }

  [[nodiscard]] bool HasQuantisers() const {
    const std::vector<program::OpDesc>& ops = program_.blocks[0].ops;
    return std::any_of(ops.begin(), ops.end(), [](const program::OpDesc& op) {
      return op.type.find("quantize") != std::string::npos;
    });
  }

  program::Program program_;
  Input input_;
};

class Runner {
 public:
  Runner(std::shared_ptr<const plan::Model> model, int threads, const Input& input)
      : context_(std::move(model), {threads, kMemoryLimit, false, true}) {
    Status status = context_.SetInput(0, DType::kFloat32, input.dims, input.values.data());
    if (status.ok()) status = context_.Prepare();
    EXPECT_TRUE(status.ok()) << status.ToString();
  }

  runtime::Context& context() { return context_; }
  [[nodiscard]] const plan::Model& model() const { return context_.model(); }
  [[nodiscard]] std::pair<char*, size_t> Bytes(int value) const {
    const steps::Tensor tensor = context_.value(value);
    const DType dtype = model().values[static_cast<size_t>(value)].dtype;
    return {tensor.As<char>(), static_cast<size_t>(tensor.dims.Numel()) * SizeOf(dtype)};
  }
  [[nodiscard]] bool Equal(const Runner& other, int value) const {
    const auto [mine, size] = Bytes(value);
    const auto [theirs, their_size] = other.Bytes(value);
    return size == their_size && std::memcmp(mine, theirs, size) == 0;
  }

  void RunFreely() {
    for (size_t s = 0; s < model().steps.size(); ++s) {
      const Status status = context_.RunStep(s);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }

 private:
  runtime::Context context_;
};

bool IsOneDnn(const plan::PlannedStep& step) {
  return step.step->Info().kernel.starts_with("onednn");
}

// How many steps were compared.
int CompareFed(const Runner& reference, Runner* judged, const std::string& where) {
  int compared = 0;
  for (size_t s = 0; s < judged->model().steps.size(); ++s) {
    const plan::PlannedStep& step = judged->model().steps[s];
    for (const int v : step.inputs) {
      if (judged->model().values[static_cast<size_t>(v)].constant) continue;
      const auto [from, size] = reference.Bytes(v);
      std::memcpy(judged->Bytes(v).first, from, size);
    }
    const Status status = judged->context().RunStep(s);
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (IsOneDnn(step)) continue;
    for (const int v : step.outputs) {
      EXPECT_TRUE(judged->Equal(reference, v))
          << where << ": " << step.info.op << " " << step.info.name << ", "
          << step.step->Info().kernel;
    }
    ++compared;
  }
  return compared;
}

void CompareFree(const Runner& reference, Runner* judged, const std::string& where) {
  judged->RunFreely();
  for (const plan::PlannedStep& step : judged->model().steps) {
    for (const int v : step.outputs) {
      EXPECT_TRUE(judged->Equal(reference, v)) << where << ": " << step.info.name;
    }
  }
}

TEST_P(RungsTest, WriteTheBytesOfTheReference) {
  const Result<std::shared_ptr<const plan::Model>> compiled = Compile(Isa::kScalar);
  if (!compiled.ok() && !HasQuantisers()) GTEST_SKIP() << compiled.status().ToString();
  ASSERT_TRUE(compiled.ok()) << compiled.status().ToString();
  const std::shared_ptr<const plan::Model>& scalar = *compiled;
  const bool own = std::none_of(scalar->steps.begin(), scalar->steps.end(), IsOneDnn);
  const auto int8 = std::count_if(scalar->steps.begin(), scalar->steps.end(),
                                  [](const auto& step) { return step.info.precision == "int8"; });
  if (int8 == 0) GTEST_SKIP() << GetParam().name << " is not quantised";
  for (const int64_t batch : {1, 7}) {
    const Input input = input_.Batch(batch);
    Runner reference(scalar, 1, input);
    reference.RunFreely();
    for (const Isa isa : SupportedIsas()) {
      const Result<std::shared_ptr<const plan::Model>> model = Compile(isa);
      ASSERT_TRUE(model.ok()) << model.status().ToString();
      for (const int threads : {1, 2}) {
        const std::string where = GetParam().name + " on " + std::string(Name(isa)) + ", " +
                                  std::to_string(threads) + " threads, batch " +
                                  std::to_string(batch);
        Runner judged(*model, threads, input);
        const int compared = CompareFed(reference, &judged, where);
        if (own) CompareFree(reference, &judged, where);
        std::cout << where << ": " << compared << " of " << (*model)->steps.size()
                  << " steps equal the reference's bytes" << (own ? ", and end to end" : "")
                  << "\n";
      }
    }
  }
}

struct Nobody final : runtime::StepObserver {
  void Before(size_t /*step*/) override {}
  void After(size_t /*step*/) override {}
};

std::vector<std::string> OutputsOf(const runtime::Context& context) {
  std::vector<std::string> all;
  for (const int v : context.model().outputs) {
    const steps::Tensor tensor = context.value(v);
    const DType dtype = context.model().values[static_cast<size_t>(v)].dtype;
    all.emplace_back(tensor.As<char>(), static_cast<size_t>(tensor.dims.Numel()) * SizeOf(dtype));
  }
  return all;
}

// Run as users run it, with all optimisations, on parts of the batch and as a whole.
TEST_P(RungsTest, PartsOfABatchMakeTheWhole) {
  const Result<std::shared_ptr<const plan::Model>> model = plan::Compile(program_, {});
  if (!model.ok()) GTEST_SKIP() << model.status().ToString();
  if (std::any_of((*model)->steps.begin(), (*model)->steps.end(), IsOneDnn)) {
    GTEST_SKIP() << GetParam().name << " has layers that oneDNN computes";
  }
  const Input input = input_.Batch(6);
  int split = 0;
  // Of one size or another some images fit and all do not.
  for (const size_t l2 : {8, 32, 128, 512}) {
    for (const int threads : {1, 2}) {
      runtime::ContextOptions options;
      options.threads = threads;
      options.caches = {.l2 = l2 << 10, .l3 = l2 << 11};
      runtime::Context context(*model, options);
      ASSERT_TRUE(context.SetInput(0, DType::kFloat32, input.dims, input.values.data()).ok());
      Nobody watching;
      ASSERT_TRUE(context.Run(&watching).ok());
      EXPECT_EQ(context.ranges().size(), 1U);
      const std::vector<std::string> whole = OutputsOf(context);
      for (int run = 0; run < 2; ++run) {
        ASSERT_TRUE(context.Run().ok());
        EXPECT_EQ(OutputsOf(context), whole) << threads << " threads, " << l2 << " KiB";
      }
      for (const runtime::StepRange& range : context.ranges()) split += range.parts > 1;
    }
  }
  EXPECT_GT(split, 0);
}

TEST(Rungs, SkippedOnThisCpu) {
  const std::vector<Isa>& has = SupportedIsas();
  for (const Isa isa : kAllIsas) {
    if (std::find(has.begin(), has.end(), isa) == has.end()) {
      std::cout << "skipped: this CPU lacks " << Name(isa) << "\n";
    }
  }
  EXPECT_EQ(has.front(), Isa::kScalar);
}

INSTANTIATE_TEST_SUITE_P(Models, RungsTest, ::testing::ValuesIn(Models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace skiff
