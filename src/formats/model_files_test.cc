#include "formats/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "formats/file.h"
#include "formats/program_writer.h"
#include "formats/test_models.h"

namespace skiff::formats {
namespace {

namespace fs = std::filesystem;
using program::Program;
using ::testing::HasSubstr;

Result<Program> LoadFolder(const std::string& folder) { return LoadModel({.model_dir = folder}); }

std::string Failure(const ModelSource& source) {
  const Result<Program> program = LoadModel(source);
  return program.ok() ? "loaded without failure" : program.status().ToString();
}

void ExpectSameParams(const Program& a, const Program& b) {
  ASSERT_EQ(a.params.size(), b.params.size());
  for (const auto& [name, tensor] : a.params) {
    const program::Tensor& other = b.params.at(name);
    EXPECT_EQ(tensor.dtype, other.dtype) << name;
    EXPECT_EQ(tensor.dims, other.dims) << name;
    EXPECT_EQ(tensor.lod, other.lod) << name;
    EXPECT_TRUE(std::ranges::equal(tensor.data.bytes, other.data.bytes)) << name;
  }
}

// The folders under test: those of the repository, and those that the environment adds.
std::vector<std::string> ModelFolders() {
  std::vector<std::string> folders = GoldenFolders();
  for (const std::string name : {"mobilenet_v2", "mobilenet_v2_int8"}) {
    folders.push_back(std::string(SKIFF_SOURCE_DIR) + "/models/" + name);
  }
  const char* more = std::getenv("SKIFF_FORMATS_MODELS");
  std::istringstream list(more ? more : "");
  for (std::string folder; std::getline(list, folder, ':');) folders.push_back(folder);
  return folders;
}

TEST(ModelFiles, EveryModelComesBackByteForByte) {
  for (const std::string& folder : ModelFolders()) {
    SCOPED_TRACE(folder);
    const Result<Program> program = LoadFolder(folder);
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    const bool separate = program->params_layout == program::ParamsLayout::kSeparate;
    const TemporaryFolder copy;
    const Status saved = SaveModel(*program, copy.path(), "inference", program->params_layout);
    ASSERT_TRUE(saved.ok()) << saved.ToString();
    const Result<Program> again = LoadFolder(copy.path());
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_TRUE(program->blocks == again->blocks);
    ExpectSameParams(*program, *again);
    for (const auto& entry : fs::directory_iterator(copy.path())) {
      std::string original = entry.path().filename().string();
      if (!separate) {
        const std::string stem = fs::path(program->source).stem().string();
        original = stem + entry.path().extension().string();
      }
      EXPECT_TRUE(ReadText(entry.path().string()) == ReadText(folder + "/" + original)) << original;
    }
  }
}

TEST(ModelFiles, SeparateParameters) {
  const Result<Program> program = LoadFolder(GoldenFolder("m26_sep"));
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  EXPECT_EQ(program->params_layout, program::ParamsLayout::kSeparate);
  EXPECT_EQ(program->params.size(), 7u);
  // The folder is found from the file's path as well.
  const Result<Program> by_file = LoadModel({.model_file = GoldenFolder("m26_sep") + "/__model__"});
  ASSERT_TRUE(by_file.ok()) << by_file.status().ToString();
  ExpectSameParams(*program, *by_file);
}

TEST(ModelFiles, TheRecordDecidesTheType) {
  const Result<Program> program = LoadFolder(GoldenFolder("q26_onnx"));
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  const auto int8 = std::ranges::count_if(
      program->params, [](const auto& p) { return p.second.dtype == DType::kInt8; });
  EXPECT_GT(int8, 0);
}

TEST(ModelFiles, FilesAndBuffersGiveTheSame) {
  const std::string folder = GoldenFolder("q26_onnx");
  const Result<Program> expected = LoadFolder(folder);
  ASSERT_TRUE(expected.ok());
  const std::string model = ReadText(folder + "/inference.pdmodel");
  const std::string params = ReadText(folder + "/inference.pdiparams");
  const ModelSource sources[] = {
      {.model_file = folder + "/inference.pdmodel"},
      {.model_file = folder + "/inference.pdmodel", .params_file = folder + "/inference.pdiparams"},
      {.model_dir = folder, .model_file = "inference.pdmodel"},
      {.model_dir = folder, .params_file = "inference.pdiparams"},
      {.model_dir = folder, .model_file = folder + "/inference.pdmodel"},
      {.model_buffer = AsBytes(model), .params_buffer = AsBytes(params)}};
  for (const ModelSource& source : sources) {
    const Result<Program> program = LoadModel(source);
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    EXPECT_TRUE(program->blocks == expected->blocks);
    ExpectSameParams(*program, *expected);
  }
}

TEST(ModelFiles, NamesOfOlderPaddles) {
  const std::string from = GoldenFolder("m26_static");
  const std::pair<std::string, std::string> pairs[] = {
      {"model", "params"}, {"__model__", "__params__"}, {"net.pdmodel", "net.pdiparams"}};
  for (const auto& [model, params] : pairs) {
    const TemporaryFolder folder;
    fs::copy(from + "/inference.pdmodel", folder / model);
    EXPECT_THAT(Failure({.model_dir = folder.path()}), HasSubstr("not found: " + folder.path()));
    fs::copy(from + "/inference.pdiparams", folder / params);
    const Result<Program> program = LoadFolder(folder.path());
    EXPECT_TRUE(program.ok()) << program.status().ToString();
  }
}

TEST(ModelFiles, WhichOfSeveral) {
  const std::string from = GoldenFolder("m26_static");
  const TemporaryFolder folder;
  for (const std::string name : {"a", "b"}) {
    fs::copy(from + "/inference.pdmodel", folder / (name + ".pdmodel"));
    fs::copy(from + "/inference.pdiparams", folder / (name + ".pdiparams"));
  }
  EXPECT_EQ(Failure({.model_dir = folder.path()}),
            "invalid argument: " + folder.path() +
                ": holds several models, name one of a.pdmodel, b.pdmodel");
  EXPECT_TRUE(LoadModel({.model_dir = folder.path(), .model_file = "b.pdmodel"}).ok());
  fs::copy(from + "/inference.pdmodel", folder / "model.pdmodel");
  fs::copy(from + "/inference.pdiparams", folder / "model.pdiparams");
  const Result<Program> program = LoadFolder(folder.path());
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  EXPECT_EQ(program->source, folder / "model.pdmodel");
}

TEST(ModelFiles, ClearErrors) {
  const TemporaryFolder folder;
  EXPECT_THAT(Failure({}), HasSubstr("no model is given"));
  EXPECT_THAT(Failure({.model_dir = folder.path()}), HasSubstr("holds no model"));
  EXPECT_THAT(Failure({.model_dir = folder / "none"}), HasSubstr("no such directory"));
  EXPECT_THAT(Failure({.model_file = folder.path()}), HasSubstr("is a directory, expected a file"));
  EXPECT_THAT(Failure({.model_file = folder / "none.pdmodel"}), HasSubstr("not found: "));
  ASSERT_TRUE(WriteFile(folder / "m.json", R"({"base_code":{"magic":"pir"}})").ok());
  ASSERT_TRUE(WriteFile(folder / "m.pdiparams", "").ok());
  EXPECT_THAT(Failure({.model_dir = folder / "m.json"}), HasSubstr("expected a directory"));
  const std::string pir = "m.json: Paddle 3 PIR programs are not supported yet";
  EXPECT_THAT(Failure({.model_dir = folder.path()}), HasSubstr(pir));
  EXPECT_THAT(Failure({.model_file = folder / "m.json"}), HasSubstr(pir));
  const std::string bytes = "x";
  EXPECT_THAT(Failure({.model_dir = folder.path(), .model_buffer = AsBytes(bytes)}),
              HasSubstr("both in memory and by path"));
  EXPECT_THAT(Failure({.model_file = GoldenFolder("m26_static") + "/inference.pdmodel",
                       .params_file = folder.path()}),
              HasSubstr("is a directory, expected a file"));
}

TEST(WriteFile, ReplacesWholeOrNotAtAll) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFile(folder / "f", "old").ok());
  ASSERT_TRUE(WriteFile(folder / "f", "new contents").ok());
  EXPECT_EQ(ReadText(folder / "f"), "new contents");
  const Status status = WriteFile(folder / "no/f", "x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  fs::create_directory(folder / "d");
  EXPECT_FALSE(WriteFile(folder / "d", "x").ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

TEST(MapFile, RefusesWhatIsNoFile) {
  EXPECT_EQ(MapFile("/dev/null", 100).status().code(), StatusCode::kInvalidArgument);
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFile(folder / "f", "12345").ok());
  EXPECT_EQ(MapFile(folder / "f", 4).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(MapFile(folder / "f", 5).ok());
}

}  // namespace
}  // namespace skiff::formats
