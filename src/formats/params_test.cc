#include "formats/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "formats/file.h"
#include "formats/limits.h"
#include "formats/test_models.h"
#include "program/blob.h"

namespace skiff::formats {
namespace {

using program::Program;
using program::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Program WithParameters(const std::vector<std::string>& names) {
  Program program;
  program.source = "m.pdmodel";
  program.blocks.resize(1);
  for (const std::string& name : names) {
    program::VarDesc var;
    var.name = name;
    var.persistable = true;
    program.blocks[0].vars.push_back(var);
  }
  return program;
}

// float32[5] of zeros: the example of the format's description.
std::string FiveZeros() {
  return std::string("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x08\x05\x10\x05", 24) +
         std::string(20, '\0');
}

std::string Failure(const std::string& bytes, const std::vector<std::string>& names = {"w"}) {
  Program program = WithParameters(names);
  const Status status = ReadCombinedParams(AsBytes(bytes), "m.pdiparams", &program);
  return status.ok() ? "read without failure" : std::string(status.message());
}

template <typename T>
void Patch(std::string* bytes, size_t offset, T value) {
  std::memcpy(bytes->data() + offset, &value, sizeof(T));
}

TEST(Params, OneRecord) {
  Program program = WithParameters({"w"});
  const Status status = ReadCombinedParams(AsBytes(FiveZeros()), "m.pdiparams", &program);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const Tensor& tensor = program.params.at("w");
  EXPECT_EQ(tensor.dtype, DType::kFloat32);
  EXPECT_THAT(tensor.dims, ElementsAre(5));
  EXPECT_THAT(tensor.As<float>(), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_EQ(program.params_layout, program::ParamsLayout::kCombined);
}

TEST(Params, ScalarsEmptyTensorsAndLod) {
  Program program = WithParameters({"scalar", "empty", "ragged"});
  const int64_t seven[] = {7};
  const float rows[] = {1, 2, 3};
  program.params["scalar"] = program::MakeTensor<int64_t>(DType::kInt64, {}, seven);
  program.params["empty"] = Tensor{DType::kFloat32, {0, 4}, {}, {}};
  program.params["ragged"] = program::MakeTensor<float>(DType::kFloat32, {3, 1}, rows);
  program.params["ragged"].lod = {{0, 2, 3}, {}};
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteCombinedParams(program, folder / "p").ok());
  Program read = WithParameters({"scalar", "empty", "ragged"});
  const Status status = ReadCombinedParams(folder / "p", &read);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(read.params.at("scalar").dims, ElementsAre());
  EXPECT_THAT(read.params.at("scalar").As<int64_t>(), ElementsAre(7));
  EXPECT_THAT(read.params.at("empty").dims, ElementsAre(0, 4));
  EXPECT_THAT(read.params.at("empty").As<float>(), ElementsAre());
  EXPECT_THAT(read.params.at("ragged").lod, ElementsAre(ElementsAre(0, 2, 3), ElementsAre()));
  EXPECT_THAT(read.params.at("ragged").As<float>(), ElementsAre(1, 2, 3));
}

TEST(Params, DataIsAlignedForItsType) {
  // The first record makes every later offset odd.
  Program program = WithParameters({"a", "b", "c"});
  const int8_t one[] = {1};
  const double two[] = {2.0};
  program.params["a"] = program::MakeTensor<int8_t>(DType::kInt8, {1}, one);
  program.params["b"] = program::MakeTensor<double>(DType::kFloat64, {1}, two);
  program.params["c"] = program::MakeTensor<int8_t>(DType::kInt8, {1}, one);
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteCombinedParams(program, folder / "p").ok());
  Program read = WithParameters({"a", "b", "c"});
  ASSERT_TRUE(ReadCombinedParams(folder / "p", &read).ok());
  const Tensor& b = read.params.at("b");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data.bytes.data()) % alignof(double), 0u);
  EXPECT_THAT(b.As<double>(), ElementsAre(2.0));
  // Bytes need no alignment: both are views of the one mapping.
  EXPECT_EQ(read.params.at("a").data.owner, read.params.at("c").data.owner);
}

TEST(Params, BuffersAreCopied) {
  std::string bytes = FiveZeros();
  Program program = WithParameters({"w"});
  ASSERT_TRUE(ReadCombinedParams(AsBytes(bytes), "m.pdiparams", &program).ok());
  std::fill(bytes.begin(), bytes.end(), '\xff');
  EXPECT_THAT(program.params.at("w").As<float>(), ElementsAre(0, 0, 0, 0, 0));
}

TEST(Params, EverySizeIsChecked) {
  const std::string good = FiveZeros();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(Failure(good.substr(0, size)),
                HasSubstr("m.pdiparams: parameter 1 of 1 (w) at byte 0: ends inside a record"));
  }
  std::string bytes = good;
  Patch<uint32_t>(&bytes, 0, 1);
  EXPECT_THAT(Failure(bytes), HasSubstr("record version is 1"));
  bytes = good;
  Patch<uint64_t>(&bytes, 4, uint64_t{1} << 60);
  EXPECT_THAT(Failure(bytes), HasSubstr("LoD levels"));
  Patch<uint64_t>(&bytes, 4, 1);  // the next 8 bytes become a level of 2^34 bytes
  EXPECT_THAT(Failure(bytes), HasSubstr("a LoD level needs 17179869184 bytes"));
  bytes = good;
  Patch<uint32_t>(&bytes, 12, 9);
  EXPECT_THAT(Failure(bytes), HasSubstr("tensor version is 9"));
  bytes = good;
  Patch<int32_t>(&bytes, 16, -1);
  EXPECT_THAT(Failure(bytes), HasSubstr("the tensor description has -1 bytes"));
  bytes = good;
  bytes[21] = 23;
  EXPECT_THAT(Failure(bytes), HasSubstr("has data type 23, which Skiff does not read"));
  EXPECT_EQ(Failure(good + "x"),
            "m.pdiparams: 1 bytes follow the last of the program's 1 parameters: program and "
            "parameters do not belong together");
  EXPECT_THAT(Failure(good, {"w", "v"}), HasSubstr("parameter 2 of 2 (w) at byte 44: ends inside"));
}

std::string RecordOf(const std::string& desc) {
  std::string record(16, '\0');
  const auto size = static_cast<int32_t>(desc.size());
  record.append(reinterpret_cast<const char*>(&size), 4);
  return record + desc;
}

TEST(Params, DimsAreChecked) {
  const std::string huge("\x10\xff\xff\xff\xff\xff\xff\xff\x7f", 9);  // 2^56 - 1
  EXPECT_THAT(Failure(RecordOf("\x08\x05" + huge)), HasSubstr("needs 288230376151711740 bytes"));
  EXPECT_THAT(Failure(RecordOf("\x08\x05" + huge + huge)), HasSubstr("has dims ["));
  const std::string minus("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
  EXPECT_THAT(Failure(RecordOf("\x08\x05" + minus)), HasSubstr("has dims [-1]"));
  std::string nine = "\x08\x05";
  for (int i = 0; i < 9; ++i) nine += "\x10\x01";
  EXPECT_THAT(Failure(RecordOf(nine)), HasSubstr("has rank 9, the limit is 8"));
}

TEST(Params, AMissingFileIsFineWithoutParameters) {
  Program none = WithParameters({});
  EXPECT_TRUE(ReadCombinedParams("/nonexistent/p", &none).ok());
  EXPECT_EQ(none.params_layout, program::ParamsLayout::kNone);
  Program some = WithParameters({"w"});
  const Status status = ReadCombinedParams("/nonexistent/p", &some);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/p"));
}

TEST(Params, SeparateFilesStayInsideTheirFolder) {
  const TemporaryFolder folder;
  Program program = WithParameters({"scope/w@x.0"});
  const float one[] = {1};
  program.params["scope/w@x.0"] = program::MakeTensor<float>(DType::kFloat32, {1}, one);
  const Status written = WriteSeparateParams(program, folder.path());
  ASSERT_TRUE(written.ok()) << written.ToString();
  Program read = WithParameters({"scope/w@x.0"});
  const Status status = ReadSeparateParams(folder.path(), &read);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(read.params.at("scope/w@x.0").As<float>(), ElementsAre(1));
  EXPECT_EQ(read.params_layout, program::ParamsLayout::kSeparate);
  for (const std::string name : {"../w", "a/../../w", "/etc/w", "", "a//b", "."}) {
    Program hostile = WithParameters({name});
    EXPECT_EQ(ReadSeparateParams(folder.path(), &hostile).code(), StatusCode::kInvalidArgument);
    hostile.params[name] = program.params["scope/w@x.0"];
    EXPECT_EQ(WriteSeparateParams(hostile, folder.path()).code(), StatusCode::kInvalidArgument);
  }
}

TEST(Params, WritingChecksFirst) {
  const TemporaryFolder folder;
  Program program = WithParameters({"w"});
  EXPECT_THAT(std::string(WriteCombinedParams(program, folder / "p").message()),
              HasSubstr("parameter w has no tensor"));
  const float one[] = {1};
  program.params["w"] = program::MakeTensor<float>(DType::kFloat32, {2}, one);
  EXPECT_THAT(std::string(WriteCombinedParams(program, folder / "p").message()),
              HasSubstr("parameter w: 4 bytes are no float32 of dims [2]"));
  program.params["w"] = program::MakeTensor<float>(DType::kFloat32, {1}, one);
  program.params["stray"] = program.params["w"];
  EXPECT_THAT(std::string(WriteCombinedParams(program, folder / "p").message()),
              HasSubstr("2 tensors for 1 persistable variables"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Params, DamagedRecordsGiveErrorsOrTensors) {
  const std::string file = GoldenFolder("m26_sep") + "/conv2d_0.w_0";
  const std::string bytes = ReadText(file);
  ASSERT_FALSE(bytes.empty());
  Mutator mutate(7);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    // Half of the changes fall on the header, which is short.
    const std::string damaged =
        i % 2 ? mutate(bytes) : mutate(bytes.substr(0, 32)) + bytes.substr(32);
    const Result<Tensor> tensor = ReadTensorRecord({nullptr, AsBytes(damaged)}, "w");
    if (!tensor.ok()) {
      ++refused;
    } else {
      EXPECT_LE(tensor->data.bytes.size(), damaged.size());
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_LT(refused, 1900);
}

}  // namespace
}  // namespace skiff::formats
