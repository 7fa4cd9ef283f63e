// What stands around the quantiser: a bound on the drop of accuracy, analyze, tune, and the options
// of quant_post_static that change what is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "skiff_program.h"

namespace skiff::cli_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Small pictures: the network answers less well, and soon.
const std::string kSmall =
    kFloat + " --crop_size 64 --resize_short 72 --data " + kPictures.string() + " --batch_nums 2";

size_t Lines(const fs::path& path) {
  const std::string text = Slurp(path);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::vector<std::string> LinesOf(const fs::path& path) {
  std::istringstream in(Slurp(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

int64_t FloatLayers(const Json& report) {
  const Json& layers = report["layers"];
  return std::count_if(layers.begin(), layers.end(),
                       [](const Json& layer) { return layer["why_float"] != ""; });
}

// Thirty in a hundred of all values are cut off: the model is ruined, and layers must stay float.
TEST_F(Cli, MaxDropLeavesLayersInFloat) {
  const std::string start = "quantize " + kSmall + " --algo hist --hist_percent 0.7 --eval_list " +
                            PictureList(8, kPictures) + " --out " + (folder_ / "bound").string();
  const Json whole = SkiffJson(start + " --max_drop 100");
  EXPECT_EQ(FloatLayers(whole), 0);
  EXPECT_EQ(whole["accuracy"]["samples"], 4) << "the odd lines";
  EXPECT_EQ(whole["accuracy"]["trials"].size(), 1U);
  const Json bound = SkiffJson(start + " --max_drop 0");
  EXPECT_GT(FloatLayers(bound), 0);
  EXPECT_GT(bound["accuracy"]["trials"].size(), 1U);
  for (const Json& trial : bound["accuracy"]["trials"]) {
    if (trial["float_layers"] == FloatLayers(bound)) {
      EXPECT_LE(trial["drop"].get<double>(), 0);
    }
  }
  const std::string explain = "explain --repeats 1 --model_dir " + (folder_ / "bound").string();
  EXPECT_LT(SkiffJson(explain)["int8_layers"].get<int64_t>(), 53);
  ExpectRefused("quantize " + kSmall + " --max_drop 1 --out o", 2, "--eval_list");
}

TEST_F(Cli, AnalyzeWritesWhatAnalysisPtqWrites) {
  const fs::path out = folder_ / "analysis";
  const std::string start = "analyze " + kSmall +
                            " --quantizable_op_type matmul_v2,conv2d --algo avg --save_dir " +
                            out.string();
  const Json json = SkiffJson(start);
  const size_t layers = json["layers"].size();
  EXPECT_EQ(layers, 36U);
  EXPECT_EQ(json["tensors"].size(), 2 * layers);
  EXPECT_EQ(Lines(out / "statistic.csv"), 2 * layers + 1);
  EXPECT_THAT(LinesOf(out / "statistic.csv")[0], StartsWith("Var Name,Var Type"));
  const std::vector<std::string> lines = LinesOf(out / "analysis.txt");
  ASSERT_EQ(lines.size(), layers);
  double before = 2;
  for (const std::string& line : lines) {
    ASSERT_THAT(line, AllOf(StartsWith("layer name: "), HasSubstr(", sensitivity metric: ")));
    const double sensitivity = std::stod(line.substr(line.rfind(' ')));
    EXPECT_LE(sensitivity, before) << "worst first";
    before = sensitivity;
  }
  // What the checkpoint says is not measured again.
  std::vector<std::string> done = LinesOf(out / "analysis_checkpoint.txt");
  ASSERT_EQ(done.size(), layers + 1);
  const std::string name = done[1].substr(done[1].find(' ') + 1);
  done[1] = "-0.5 " + name;
  std::string forged;
  for (const std::string& line : done) forged += line + "\n";
  Write("analysis/analysis_checkpoint.txt", forged);
  const Json resumed = SkiffJson(start + " --resume --no_statistics");
  EXPECT_EQ(resumed["layers"][0]["name"], name);
  EXPECT_EQ(resumed["layers"][0]["metric"], -0.5);
  ExpectRefused(start + " --resume --weight_quantize_type abs_max", 1, "other options");
}

TEST_F(Cli, AnalyzeReachesATarget) {
  const fs::path out = folder_ / "analysis";
  const std::string start =
      "analyze " + kSmall + " --quantizable_op_type matmul_v2 --algo avg --save_dir " +
      out.string() + " --no_statistics --eval_list " + PictureList(4, kPictures);
  const Json json = SkiffJson(start + " --target_metric 0");
  EXPECT_EQ(json["layers"].size(), 1U);
  EXPECT_EQ(json["target"]["trials"], 1);
  EXPECT_EQ(SkiffJson("inspect --model_dir " +
                      (out / "target_quant_model").string())["quantisation"]["representation"],
            "R3");
  ExpectRefused("analyze " + kSmall + " --target_metric 1", 2, "--eval_list");
}

TEST_F(Cli, TuneSearchesAndGoesOn) {
  const fs::path out = folder_ / "tuned";
  const std::string start =
      "tune " + kFloat + " --crop_size 64 --resize_short 72 --data " + kPictures.string() +
      " --batch_size 1,2 --batch_nums 1,2 --seed 5 --out " + out.string() + " --runcount_limit 3";
  const Json json = SkiffJson(start);
  ASSERT_EQ(json["trials"].size(), 3U);
  const auto best = json["best"].get<size_t>();
  for (const Json& trial : json["trials"]) {
    EXPECT_GE(trial["loss"], json["trials"][best]["loss"]);
    EXPECT_LE(trial["batch_size"].get<int>(), 2);
  }
  EXPECT_TRUE(fs::exists(out / "model.pdmodel"));
  EXPECT_EQ(Lines(out / "tune_trials.csv"), 5U) << "two lines of titles";
  // Cut off behind the first trial, the search ends as it did.
  const std::vector<std::string> lines = LinesOf(out / "tune_trials.csv");
  Write("tuned/tune_trials.csv", lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n");
  EXPECT_EQ(SkiffJson(start)["trials"], json["trials"]);
  ExpectRefused(start + " --algo best", 2, "best");
}

TEST_F(Cli, QuantizeTakesPaddlesOptions) {
  const std::string out = (folder_ / "made").string();
  const std::string start = "quantize " + kSmall + " --no_check --out " + out;
  EXPECT_EQ(SkiffJson(start + " --algo min_max")["algo"], "min_max");
  EXPECT_EQ(SkiffJson("inspect --model_dir " + out)["quantisation"]["representation"], "R6");
  EXPECT_EQ(SkiffJson("run --model_dir " + out + " " + kPicture)["pictures"].size(), 1U);
  SkiffJson(start + " --algo abs_max --is_full_quantize --onnx_format false");
  const Json full = SkiffJson("inspect --model_dir " + out);
  EXPECT_GT(full["operators"]["fake_quantize_dequantize_moving_average_abs_max"].get<int>(), 50);
  EXPECT_EQ(SkiffJson("run --model_dir " + out + " " + kPicture)["pictures"].size(), 1U);
  ExpectRefused(start + " --weight_bits 4", 1, "weight_bits is 4");
  ExpectRefused(start + " --algo avg --same_scale_tensor_list nobody,x", 1, "nobody");
  ExpectRefused(start + " --skip_tensor_list nobody", 1, "nobody");
}

// The inputs that people get wrong: each is named, and nothing is written.
TEST_F(Cli, QuantizeNamesBadData) {
  const std::string out = (folder_ / "never").string();
  const std::string start = "quantize " + kFloat + " --recipe plain --out " + out + " --data ";
  const std::string unreadable = Write("broken.jpg", "no picture");
  ExpectRefused(start + Write("list.txt", unreadable + "\n"), 1, "broken.jpg");
  std::string nan = Npy("<f4", "1, 3, 224, 224", 3 * 224 * 224 * 4);
  nan.replace(nan.size() - 400, 4, 4, '\xff');
  ExpectRefused(start + Write("nan.npy", nan), 1, "not finite");
  fs::create_directories(folder_ / "empty");
  ExpectRefused(start + (folder_ / "empty").string(), 1, "no .jpg");
  ExpectRefused(start + kPictures.string() + " --algo guess", 2, "guess");
  ExpectRefused(start + kPictures.string() + " --quantizable_op_type softmax", 1, "softmax");
  const std::string npz = (kSource / "tests/golden/npz/three_inputs.npz").string();
  ExpectRefused(start + npz, 1, "no array for input");
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace skiff::cli_tests
