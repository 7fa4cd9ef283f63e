// The verbs that make models and data, without quantising by calibration: convert,
// quantize_dynamic, quantize_embedding, make_data; and what calibration data may be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "skiff_program.h"

namespace skiff::cli_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kGolden = (kSource / "tests/golden").string();

TEST_F(Cli, ConvertTakesTheFlagsOfSaveQuantModel) {
  const std::string model = (kSource / "tests/golden/formats/q26_old_cw").string();
  const std::string out = (folder_ / "int8").string();
  const std::string paths =
      "convert --quant_model_path " + model + " --int8_model_save_path " + out;
  const Outcome done = Skiff(paths + " --ops_to_quantize conv2d,pool2d --debug");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(
      done.out,
      HasSubstr("Success! INT8 model obtained from the Quant model can be found at " + out));
  EXPECT_TRUE(fs::exists(out + "/__model__"));
  EXPECT_TRUE(fs::exists(out + "/int8_0_quantised.dot"));
  EXPECT_EQ(SkiffJson("inspect --model_dir " + out)["quantisation"]["representation"], "R3");
  const Json json = SkiffJson(paths +
                              " --quant_model_filename inference.pdmodel "
                              "--quant_params_filename inference.pdiparams --op_ids_to_skip 2 "
                              "--save_model_filename m.pdmodel --save_params_filename m.pdiparams");
  EXPECT_EQ(json["representation"], "R1");
  EXPECT_EQ(json["operators"][0]["id"], 2);
  EXPECT_THAT(json["operators"][0]["why_float"].get<std::string>(), HasSubstr("op_ids_to_skip"));
  EXPECT_TRUE(fs::exists(out + "/m.pdiparams"));
  ExpectRefused("convert --quant_model_path " + model, 2, "--int8_model_save_path");
  ExpectRefused(paths + " --op_ids_to_skip two", 2, "two");
  ExpectRefused(paths + " --ops_to_quantize softmax", 1, "softmax");
}

TEST_F(Cli, QuantizeDynamicStoresWeightsAlone) {
  const std::string out = (folder_ / "dynamic").string();
  const Json json = SkiffJson("quantize_dynamic " + kFloat + " --out " + out +
                              " --quantizable_op_type conv2d,depthwise_conv2d,matmul_v2" +
                              " --generate_test_model");
  EXPECT_LT(json["bytes_after"].get<double>(), 0.3 * json["bytes_before"].get<double>());
  EXPECT_GE(json["weights"].size(), 53U);
  EXPECT_EQ(SkiffJson("inspect --model_dir " + out +
                      "/quantized_model")["quantisation"]["representation"],
            "R5");
  const auto best = [&](const std::string& model) {
    return SkiffJson("run " + model + " " + kPicture)["pictures"][0]["results"][0]["top5"][0];
  };
  EXPECT_EQ(best("--model_dir " + out + "/quantized_model")["label"], 9);
  EXPECT_EQ(best("--model_dir " + out + "/quantized_model"),
            best("--model_dir " + out + "/test_model"));
  ExpectRefused("quantize_dynamic " + kFloat + " --out o --weight_bits 9", 1, "weight_bits 9");
  ExpectRefused("quantize_dynamic " + kFloat + " --out o --weight_quantize_type x", 2, "abs_max");
}

TEST_F(Cli, ConvertWeightToFp16HalvesTheParameters) {
  const std::string out = (folder_ / "fp16").string();
  const std::string convert = "quantize_dynamic " + kFloat + " --convert_weight_to_fp16 --out ";
  const Json json = SkiffJson(convert + out);
  EXPECT_EQ(json["bytes_after"].get<double>(), json["bytes_before"].get<double>() / 2);
  const Json run = SkiffJson("run --model_dir " + out + " " + kPicture);
  EXPECT_EQ(run["pictures"][0]["results"][0]["top5"][0]["label"], 9);
  ExpectRefused(convert + "o --generate_test_model", 2, "--convert_weight_to_fp16");
}

TEST_F(Cli, QuantizeEmbeddingStoresTables) {
  const std::string out = (folder_ / "tables").string();
  const Json json =
      SkiffJson("quantize_embedding --model_dir " + kGolden + "/ops/gather --out " + out);
  EXPECT_EQ(json["weights"].size(), 3U);
  EXPECT_EQ(SkiffJson("inspect --model_dir " + out)["operators"]["dequantize_abs_max"], 3);
  ExpectRefused("quantize_embedding " + kFloat + " --out o", 1, "no embedding table");
}

TEST_F(Cli, MakeDataIsTheDemosFile) {
  const std::string list = PictureList(3);
  const std::string data = (folder_ / "data.bin").string();
  const std::string make = "make_data --data_dir " + kPictures.string() + " --output_file " + data;
  const Outcome made = Skiff(make + " --threads 2 --list " + list);
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string bytes = Slurp(data);
  constexpr size_t kPictureBytes = 3 * 224 * 224 * sizeof(float);
  ASSERT_EQ(bytes.size(), 8 + 3 * (kPictureBytes + 8));
  int64_t count = 0;
  std::memcpy(&count, bytes.data(), sizeof(count));
  EXPECT_EQ(count, 3);
  std::vector<int64_t> labels(3);
  std::memcpy(labels.data(), bytes.data() + 8 + 3 * kPictureBytes, 24);
  EXPECT_THAT(labels, testing::ElementsAre(305, 430, 829));
  // What quantize reads is what this verb writes.
  EXPECT_EQ(Skiff("quantize " + kFloat + " --data " + data +
                  " --recipe fast --batch_size 3 --out " + (folder_ / "q").string())
                .code,
            0);
  // A failure leaves the file that was there, and nothing beside it.
  const std::string bad = Write("bad.txt", "no_such.png 1\n");
  const Outcome failed = Skiff(make + " --list " + bad);
  EXPECT_EQ(failed.code, 1);
  EXPECT_THAT(failed.err, HasSubstr("no_such.png"));
  EXPECT_EQ(Slurp(data), bytes);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find("data.bin."), std::string::npos) << entry.path();
  }
}

TEST_F(Cli, CalibrationDataOfSeveralInputs) {
  const std::string quantize = "quantize --recipe fast --model_dir " + kGolden + "/ops/sum --out " +
                               (folder_ / "q").string() + " --data " + kGolden + "/npz/";
  // The arrays are found; sums have nothing to quantise.
  ExpectRefused(quantize + "three_inputs.npz", 1, "no operator can be quantised");
  ExpectRefused(quantize + "stored.npz", 1, "no array for input a; it has x, ids/0, zeros");
  const std::string one = "quantize --model_dir " + kGolden + "/formats/q26_fp32 --out o --data ";
  ExpectRefused(one + kGolden + "/npz/three_inputs.npz", 1, "no array for input x");
}

TEST_F(Cli, TextWithoutEndIsAnError) {
  const std::string line = Write("line.txt", std::string(100'000, 'a'));
  for (const std::string& file : {line, std::string("/dev/zero")}) {
    ExpectRefused("eval " + kInt8 + " --list " + file, 1, "a line of more than");
    ExpectRefused("run " + kInt8 + " --labels " + file + " " + kPicture, 1, "a line of more than");
    ExpectRefused("quantize " + kFloat + " --out o --data " + file, 1, "a line of more than");
    ExpectRefused("make_data --output_file o --list " + file, 1, "a line of more than");
  }
}

}  // namespace
}  // namespace skiff::cli_tests
