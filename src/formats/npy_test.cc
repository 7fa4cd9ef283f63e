#include "formats/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/file.h"
#include "formats/test_models.h"
#include "program/blob.h"

namespace skiff::formats {
namespace {

using program::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file with this header and so many bytes of data.
std::string File(std::string header, size_t data_bytes, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  const size_t length = header.size();
  file.append(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
  file += header;
  for (size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i);
  return file;
}

Result<Tensor> Parse(const std::string& file) {
  return ParseNpy({nullptr, AsBytes(file)}, "x.npy");
}

std::string Failure(const std::string& file) {
  const Result<Tensor> tensor = Parse(file);
  return tensor.ok() ? "read without failure" : std::string(tensor.status().message());
}

TEST(Npy, HeadersOfEveryVersion) {
  // As numpy.save writes it, as Python 2 did, and without any blanks.
  const std::string headers[] = {
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }           \n",
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 3L)}\n",
      "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<i2\"}"};
  for (const std::string& header : headers) {
    for (int version = 1; version <= 3; ++version) {
      const Result<Tensor> tensor = Parse(File(header, 12, version));
      ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
      EXPECT_EQ(tensor->dtype, DType::kInt16);
      EXPECT_THAT(tensor->dims, ElementsAre(2, 3));
      EXPECT_EQ(tensor->As<int16_t>()[1], 0x0302);
    }
  }
}

TEST(Npy, EveryTypeComesBack) {
  const TemporaryFolder folder;
  for (const DType dtype :
       {DType::kBool, DType::kInt16, DType::kInt32, DType::kInt64, DType::kFloat16, DType::kFloat32,
        DType::kFloat64, DType::kUInt8, DType::kInt8}) {
    const std::vector<std::byte> data(6 * SizeOf(dtype), std::byte{1});
    const std::vector<std::vector<int64_t>> shapes = {{6}, {1, 2, 3}, {0, 7}, {}};
    for (const auto& dims : shapes) {
      const size_t elements = dims.empty() ? 1 : dims.front() == 0 ? 0 : 6;
      const Tensor tensor = program::MakeTensor<std::byte>(
          dtype, dims, std::span(data).first(elements * SizeOf(dtype)));
      ASSERT_TRUE(WriteNpy(tensor, folder / "x.npy").ok());
      const Result<Tensor> read = ReadNpy(folder / "x.npy");
      ASSERT_TRUE(read.ok()) << read.status().ToString();
      EXPECT_EQ(read->dtype, dtype);
      EXPECT_EQ(read->dims, dims);
      EXPECT_TRUE(std::ranges::equal(read->data.bytes, tensor.data.bytes));
    }
  }
  Tensor bfloat16;
  bfloat16.dtype = DType::kBFloat16;
  EXPECT_EQ(WriteNpy(bfloat16, folder / "y.npy").code(), StatusCode::kInvalidArgument);
}

TEST(Npy, WritesWhatNumpyWrites) {
  const TemporaryFolder folder;
  const float data[] = {1.0f};
  ASSERT_TRUE(
      WriteNpy(program::MakeTensor<float>(DType::kFloat32, {1}, data), folder / "x.npy").ok());
  const std::string file = ReadText(folder / "x.npy");
  EXPECT_EQ(file.size(), 128u + 4u);
  EXPECT_THAT(file, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"));
  EXPECT_EQ(file[127], '\n');
}

TEST(Npy, ClearErrors) {
  const auto header = [](const std::string& descr, const std::string& order,
                         const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + "}";
  };
  EXPECT_EQ(Failure("PK"), "x.npy: is not a .npy file");
  EXPECT_EQ(Failure("\x93NUMPY"), "x.npy: ends inside the header");
  EXPECT_EQ(Failure(File("{}", 0, 4)), "x.npy: .npy version 4 is not known");
  EXPECT_EQ(Failure(File("{}", 0)), "x.npy: has a header that is not NumPy's");
  EXPECT_EQ(Failure(File(header("'>f4'", "False", "(1,)"), 4)), "x.npy: has element type '>f4'");
  EXPECT_EQ(Failure(File(header("'<c8'", "False", "(1,)"), 8)), "x.npy: has element type '<c8'");
  EXPECT_THAT(Failure(File(header("[('a', '<f4')]", "False", "(1,)"), 4)),
              HasSubstr("has a header that is not NumPy's"));
  EXPECT_THAT(Failure(File(header("'<f4'", "True", "(2, 2)"), 16)), HasSubstr("Fortran order"));
  EXPECT_TRUE(Parse(File(header("'<f4'", "True", "(4,)"), 16)).ok());
  EXPECT_EQ(Failure(File(header("'<f4'", "False", "(2, 2)"), 15)),
            "x.npy: has 15 bytes of data, not those of float32 [2, 2]");
  EXPECT_THAT(Failure(File(header("'<f4'", "False", "(4294967296, 4294967296)"), 0)),
              HasSubstr("has 0 bytes of data"));
  EXPECT_THAT(Failure(File(header("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4)),
              HasSubstr("has rank 9"));
  EXPECT_THAT(Failure(File(header("'<f4'", "False", "(-1,)"), 4)), HasSubstr("not NumPy's"));
}

TEST(Npy, DamagedFilesGiveErrorsOrTensors) {
  const std::string good =
      File("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n", 24);
  Mutator mutate(5);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) refused += Parse(mutate(good)).ok() ? 0 : 1;
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 4990);
}

}  // namespace
}  // namespace skiff::formats
