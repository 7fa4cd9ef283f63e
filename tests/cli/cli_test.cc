// Runs the built `skiff` as a user does: every verb on a real model, and what it says when asked
// for nonsense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "skiff_program.h"

namespace skiff::cli_tests {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

TEST_F(Cli, SaysWhatItIs) {
  const Outcome version = Skiff("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, testing::StartsWith("skiff "));
  const Outcome help = Skiff("help");
  EXPECT_EQ(help.code, 0);
  for (const char* verb : {"run", "bench", "eval", "inspect", "explain", "compare", "doctor"}) {
    EXPECT_THAT(help.out, HasSubstr(verb));
    EXPECT_THAT(Skiff("help " + std::string(verb)).out, HasSubstr("--json")) << verb;
    EXPECT_EQ(Skiff(std::string(verb) + " --help").code, 0) << verb;
  }
}

TEST_F(Cli, UsageErrorsExitWith2) {
  ExpectRefused("", 2, "a verb is needed");
  ExpectRefused("fly", 2, "fly");
  ExpectRefused("help fly", 2, "fly");
  ExpectRefused("run " + kInt8 + " --presicion int8 " + kPicture, 2, "--presicion");
  ExpectRefused("run " + kInt8 + " --precision int4 " + kPicture, 2, "int4");
  ExpectRefused("run " + kInt8, 2, "pictures, or --input");
  ExpectRefused("run " + kPicture, 2, "--model_dir");
  ExpectRefused("run --params_file x --model_dir y " + kPicture, 2, "needs --model_file");
  ExpectRefused("run " + kInt8 + " --precision fp32,int8 --output o " + kPicture, 2, "--output");
  ExpectRefused("run " + kInt8 + " --mean 1,2 " + kPicture, 2, "\"1,2\" is not 3 numbers");
  ExpectRefused("run " + kInt8 + " --interpolation box " + kPicture, 2, "box");
  ExpectRefused("run " + kInt8 + " --resize 48 " + kPicture, 2, "--resize");
  ExpectRefused("bench " + kInt8 + " --threads 0", 2, "--threads");
  ExpectRefused("bench " + kInt8 + " --threads many", 2, "\"many\" is not a number");
  ExpectRefused("bench " + kInt8 + " --repeats 3 --seconds 1", 2, "--seconds");
  ExpectRefused("bench " + kInt8 + " --precision fp32,int8", 2, "one precision");
  ExpectRefused("eval " + kInt8, 2, "list");
  ExpectRefused("compare", 2, "--model_dir");
}

TEST_F(Cli, FailuresExitWith1AndNameTheirCause) {
  ExpectRefused("inspect --model_dir no/such/folder", 1, "no/such/folder");
  ExpectRefused("run --model_file no.pdmodel --params_file no.pdiparams " + kPicture, 1, "no.pdm");
  ExpectRefused("run " + kInt8 + " no_such.png", 1, "no_such.png");
  const std::string text = Write("text.png", "no picture");
  ExpectRefused("run " + kInt8 + " " + text, 1, text);
  ExpectRefused("run " + kInt8 + " --resize_short 100 " + kPicture, 1, "crop_size 224");
  ExpectRefused("run " + kInt8 + " --labels no_labels.txt " + kPicture, 1, "no_labels.txt");
  ExpectRefused("run " + kInt8 + " --preprocess_file no.json " + kPicture, 1, "no.json");
  const std::string typo = Write("typo.json", R"({"crop": 3})");
  ExpectRefused("run " + kInt8 + " --preprocess_file " + typo + " " + kPicture, 1, "\"crop\"");
  ExpectRefused("run " + kInt8 + " --calibration_file no_table.txt " + kPicture, 1, "no_table");
  const std::string full = SKIFF_BINARY " doctor >/dev/full 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(std::system(full.c_str())), 1);
}

TEST_F(Cli, DoctorKnowsTheMachine) {
  const Json json = SkiffJson("doctor");
  for (const char* key :
       {"version", "cpu", "supported_isas", "isa", "onednn", "onednn_isa", "bfloat16", "processors",
        "recommended_threads", "memory_bytes", "expect"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_THAT(json["supported_isas"], testing::Contains(json["isa"]));
  EXPECT_GE(json["recommended_threads"].get<int>(), 1);
  EXPECT_THAT(Skiff("doctor").out, HasSubstr(json["cpu"].get<std::string>()));
  EXPECT_THAT(Skiff("doctor", "SKIFF_ISA=scalar").out, HasSubstr("scalar"));
  const Outcome unknown = Skiff("doctor", "SKIFF_ISA=mmx");
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("mmx"));
}

TEST_F(Cli, InspectReadsWhatIsThere) {
  const Json json = SkiffJson("inspect " + kInt8);
  EXPECT_EQ(json["quantisation"]["representation"], "R3");
  EXPECT_EQ(json["inputs"].size(), 1U);
  EXPECT_EQ(json["outputs"].size(), 1U);
  EXPECT_GE(json["operators"]["conv2d"].get<int>(), 30);
  EXPECT_GT(json["parameters"]["types"]["int8"]["elements"].get<int64_t>(), 3'000'000);
  EXPECT_EQ(json["producer"], "2.6.2");
  EXPECT_EQ(SkiffJson("inspect " + kFloat)["quantisation"]["representation"], "none");
  EXPECT_THAT(Skiff("inspect " + kInt8).out, AllOf(HasSubstr("R3"), HasSubstr("conv2d")));
}

TEST_F(Cli, RunNamesThePicture) {
  const std::string labels = " --labels " + (kSource / "data" / "imagenet_labels.txt").string();
  const Json json = SkiffJson("run " + kInt8 + labels + " --precision fp32,int8 " + kPicture);
  ASSERT_EQ(json["pictures"].size(), 1U);
  const Json& results = json["pictures"][0]["results"];
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0]["precision"], "fp32");
  EXPECT_EQ(results[1]["precision"], "int8");
  for (const Json& result : results) {
    ASSERT_EQ(result["top5"].size(), 5U);
    EXPECT_EQ(result["top5"][0]["label"], 9);
    EXPECT_EQ(result["top5"][0]["name"], "ostrich, Struthio camelus");
    EXPECT_GE(result["top5"][0]["score"], result["top5"][1]["score"]);
    EXPECT_GT(result["ms"].get<double>(), 0);
  }
  const Outcome one = Skiff("run " + kInt8 + labels + " " + kPicture);
  EXPECT_THAT(one.out, HasSubstr("ostrich, Struthio camelus"));
  const Outcome two = Skiff("run " + kInt8 + labels + " --precision fp32,int8 " + kPicture);
  EXPECT_THAT(two.out, AllOf(HasSubstr("fp32"), HasSubstr("int8"), HasSubstr("median")));
}

TEST_F(Cli, PreprocessingFlagsReachTheNetwork) {
  const auto top5 = [this](const std::string& flags) {
    return SkiffJson("run " + kFloat + " --precision fp32 " + flags + " " +
                     kPicture)["pictures"][0]["results"][0]["top5"];
  };
  const Json usual = top5("");
  EXPECT_EQ(usual, top5("--resize_short 256 --crop_size 224 --mean 0.485,0.456,0.406"));
  for (const char* flags :
       {"--resize_short 300", "--resize 224,224", "--interpolation nearest", "--scale 0.001",
        "--mean 0,0,0", "--std 1,1,1", "--channel_order bgr", "--crop_size 192"}) {
    EXPECT_NE(usual, top5(flags)) << flags;
  }
  const Json shifted = top5("--label_offset 1");
  EXPECT_EQ(shifted[0]["label"].get<int>(), usual[0]["label"].get<int>() - 1);
}

TEST_F(Cli, RunTakesAndWritesTensors) {
  const Json inspect = SkiffJson("inspect " + kFloat);
  const std::string input = inspect["inputs"][0]["name"];
  std::string output = inspect["outputs"][0]["name"];
  std::replace(output.begin(), output.end(), '/', '|');
  const std::string npy = Write("x.npy", Npy("<f4", "2, 3, 224, 224", 2 * 3 * 224 * 224 * 4));
  const std::string flags = "run " + kFloat + " --precision fp32 --output " +
                            (folder_ / "out").string() + " --input " + input + "=";
  const Json json = SkiffJson(flags + npy);
  EXPECT_EQ(json["results"][0]["outputs"][0]["shape"], Json({2, 1000}));
  const std::string written = Slurp(folder_ / "out" / ("0." + output + ".npy"));
  EXPECT_THAT(written, HasSubstr("'shape': (2, 1000)"));
  EXPECT_EQ(written.size() % 64, 2U * 1000 * 4 % 64);
  ExpectRefused(flags + Write("short.npy", Npy("<f4", "1, 3, 224, 224", 100)), 1, "short.npy");
  ExpectRefused(flags + Write("none.npy", "none"), 1, "none.npy");
  ExpectRefused(flags + "no_such.npy", 1, "no_such.npy");
  ExpectRefused("run " + kFloat + " --input nobody=" + npy, 1, "nobody");
}

TEST_F(Cli, BenchMeasures) {
  const Json json =
      SkiffJson("bench " + kInt8 + " --warmup 1 --repeats 6 --batch_size 2 --profile");
  EXPECT_EQ(json["precision"], "int8");
  EXPECT_EQ(json["threads"], 1);
  EXPECT_EQ(json["batch_size"], 2);
  EXPECT_EQ(json["runs"], 6);
  EXPECT_TRUE(json["isa"].is_string());
  const double median = json["median_ms"];
  EXPECT_GT(median, 0);
  EXPECT_GE(json["p90_ms"].get<double>(), median);
  EXPECT_GE(json["p99_ms"].get<double>(), json["p90_ms"].get<double>());
  EXPECT_NEAR(json["throughput"].get<double>(), 2000 / json["mean_ms"].get<double>(), 1e-6);
  double share = 0;
  for (const Json& op : json["operators"]) share += op["share"].get<double>();
  EXPECT_NEAR(share, 100, 1e-6);
  EXPECT_GE(json["layers"].size(), 50U);
  const Json& first = json["layers"][0];
  EXPECT_EQ(first["input_shape"], Json({2, 3, 224, 224}));
  EXPECT_GE(first["activation_bytes"].get<int64_t>(), 2 * 3 * 224 * 224 * 4);
  const Outcome text = Skiff("bench " + kInt8 + " --seconds 0");
  EXPECT_THAT(text.out, AllOf(HasSubstr("median"), HasSubstr("samples a second")));
  ExpectRefused("bench " + kInt8 + " --input_shape nobody=1,2", 1, "nobody");
  ExpectRefused("bench " + kInt8 + " --input_shape x=1,3,0,224", 1, "1,3,0,224");
}

TEST_F(Cli, BenchServesRounds) {
  const auto serve = [&](const std::string& requests) {
    return Skiff("bench " + kInt8 + " --serve < " + Write("requests.txt", requests));
  };
  const Outcome served = serve("0 2\n0 1\n");
  EXPECT_EQ(served.code, 0) << served.err;
  std::istringstream lines(served.out);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const Json ready = Json::parse(line);
  EXPECT_GT(ready["load_ms"].get<double>(), 0);
  EXPECT_GT(ready["first_ms"].get<double>(), 0);
  for (size_t runs : {2, 1}) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(Json::parse(line)["ms"].size(), runs);
  }
  EXPECT_FALSE(std::getline(lines, line));
  const Outcome refused = serve("soon\n");
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("\"soon\" is not SECONDS LEAST"));
}

TEST_F(Cli, EvalCountsAndCompares) {
  const std::string list = PictureList(12);
  const std::string saved = (folder_ / "saved.txt").string();
  const std::string flags =
      "eval " + kInt8 + " --list " + list + " --data_dir " + kPictures.string() + " --batch_size 5";
  const Json json = SkiffJson(flags + " --compare_precision fp32 --save_predictions " + saved);
  EXPECT_EQ(json["samples"], 12);
  EXPECT_THAT(json["top1"].get<double>(), AllOf(Ge(75), Le(100)));
  EXPECT_GE(json["top5"].get<double>(), json["top1"].get<double>());
  const Json& comparison = json["comparison"];
  EXPECT_GE(comparison["agreement"].get<double>(), 75);
  EXPECT_EQ(
      comparison["discordant"].size(),
      static_cast<size_t>(std::lround(12 * (100 - comparison["agreement"].get<double>()) / 100)));
  EXPECT_NEAR(comparison["difference"].get<double>(),
              json["top1"].get<double>() - comparison["top1"].get<double>(), 1e-9);
  // Pictures come in the list's order, whatever the batch size.
  const Json again = SkiffJson("eval " + kInt8 + " " + list + " --data_dir " + kPictures.string() +
                               " --compare_predictions " + saved);
  EXPECT_EQ(again["comparison"]["agreement"], 100.0);
  EXPECT_EQ(again["top1"], json["top1"]);
  EXPECT_EQ(again["top5"], json["top5"]);
}

TEST_F(Cli, EvalComparesPicturesOneByOne) {
  // A forged second opinion: wrong on the first picture, right on the others.
  const std::string list = PictureList(4);
  std::istringstream lines(Slurp(list));
  std::string forged;
  std::string line;
  bool first = true;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::string label = line.substr(line.find(' ') + 1);
    forged += line + " " + (first ? "7" : label) + " 0.5\n";
    first = false;
  }
  const Json json =
      SkiffJson("eval " + kFloat + " --precision fp32 --list " + list + " --data_dir " +
                kPictures.string() + " --compare_predictions " + Write("forged.txt", forged));
  ASSERT_EQ(json["top1"], 100.0);
  const Json& comparison = json["comparison"];
  EXPECT_EQ(comparison["top1"], 75.0);
  EXPECT_EQ(comparison["agreement"], 75.0);
  EXPECT_EQ(comparison["only_this_correct"], 1);
  EXPECT_EQ(comparison["only_other_correct"], 0);
  EXPECT_EQ(comparison["difference"], 25.0);
  EXPECT_EQ(comparison["paired_sigma"], 25.0);
  ASSERT_EQ(comparison["discordant"].size(), 1U);
  EXPECT_EQ(comparison["discordant"][0]["other"], 7);
}

TEST_F(Cli, EvalNamesWhatIsWrong) {
  const std::string eval = "eval " + kInt8 + " --data_dir " + kPictures.string() + " --list ";
  ExpectRefused(eval + "no_list.txt", 1, "no_list.txt");
  ExpectRefused(eval + Write("empty.txt", "# nothing\n"), 1, "no pictures");
  ExpectRefused(eval + Write("word.txt", "a.png 3\nb.png three\n"), 1, "word.txt:2");
  ExpectRefused(eval + Write("gone.txt", "gone.png 3\n"), 1, "gone.png");
  ExpectRefused(eval + Write("large.txt", "0c7ac4a8c9dfa802.png 1000\n"), 1, "label 1000");
  const std::string other = Write("other.txt", "somebody_else.png 305 305 0.9\n");
  ExpectRefused(eval + PictureList(1) + " --compare_predictions " + other, 1, "somebody_else.png");
}

TEST_F(Cli, ExplainShowsEveryLayer) {
  const Json json = SkiffJson("explain " + kInt8 + " --repeats 2");
  EXPECT_EQ(json["precision"], "int8");
  EXPECT_GE(json["int8_layers"].get<int>(), 50);
  double share = 0;
  for (const Json& layer : json["layers"]) {
    for (const char* key : {"index", "op", "name", "output_shape", "precision", "kernel", "ms"}) {
      ASSERT_TRUE(layer.contains(key)) << key;
    }
    share += layer["share"].get<double>();
  }
  EXPECT_NEAR(share, 100, 1e-6);
  EXPECT_EQ(SkiffJson("explain " + kInt8 + " --precision fp32 --repeats 1")["int8_layers"], 0);
  EXPECT_THAT(Skiff("explain " + kInt8 + " --repeats 1").out,
              AllOf(HasSubstr("why not INT8"), HasSubstr("kernel")));
}

// Where the CPU does not multiply bfloat16 the model runs in fp32, is called so, and says why.
TEST_F(Cli, ExplainSaysWhetherBfloat16Runs) {
  const bool native = SkiffJson("doctor")["bfloat16"].get<bool>();
  const std::string explain = "explain " + kInt8 + " --precision bf16 --repeats 1";
  const Json json = SkiffJson(explain);
  EXPECT_EQ(json["precision"], native ? "bf16" : "fp32");
  EXPECT_EQ(json["bf16_layers"].get<int>() > 0, native);
  const Outcome lowest = Skiff(explain, "SKIFF_ISA=scalar");
  EXPECT_EQ(lowest.code, 0);
  EXPECT_THAT(lowest.err, HasSubstr("the model runs in fp32"));
  EXPECT_THAT(Skiff("doctor", "SKIFF_ISA=scalar").out, HasSubstr("bf16 runs in fp32"));
}

TEST_F(Cli, CompareIsWithinOneStep) {
  const Json json = SkiffJson("compare " + kInt8 + " --fail_above 1 " + kPicture);
  EXPECT_GE(json["simulate"]["layers"].size(), 40U);
  EXPECT_GE(json["fp32"]["layers"].size(), 40U);
  EXPECT_LE(json["max_steps"].get<double>(), 1);
  EXPECT_THAT(Skiff("compare " + kInt8 + " " + kPicture).out, HasSubstr("SQNR"));
}

// Quantised from the bundled pictures, the network still knows them.
TEST_F(Cli, QuantizeMakesAModelThatRuns) {
  const std::string out = (folder_ / "made").string();
  const Json made = SkiffJson("quantize " + kFloat + " --data " + kPictures.string() +
                              " --batch_nums 4 --out " + out);
  ASSERT_EQ(made["layers"].size(), 53U);
  for (const Json& layer : made["layers"]) {
    EXPECT_EQ(layer["why_float"], "");
    EXPECT_GT(layer["threshold"].get<double>(), 0);
    EXPECT_LE(layer["threshold"].get<double>(), layer["largest"].get<double>() * 1.001);
  }
  EXPECT_LT(fs::file_size(fs::path(out) / "model.pdiparams"),
            fs::file_size(kSource / "models/mobilenet_v2/inference.pdiparams") * 28 / 100);
  const Json run = SkiffJson("run --model_dir " + out + " " + kPicture);
  EXPECT_EQ(run["pictures"][0]["results"][0]["top5"][0]["label"], 9);
  EXPECT_GE(SkiffJson("explain --model_dir " + out + " --repeats 1")["int8_layers"], 50);
}

TEST_F(Cli, QuantizeReports) {
  const fs::path page = folder_ / "report.html";
  const std::string start = "quantize " + kFloat + " --data " + kPictures.string() +
                            " --batch_nums 4 --out " + (folder_ / "made").string();
  const Json made = SkiffJson(start + " --report " + page.string());
  EXPECT_EQ(Json::parse(Slurp(folder_ / "report.json"))["layers"], made["layers"]);
  EXPECT_EQ(made["output"]["samples"], 4);
  EXPECT_GT(made["speed"]["ms_int8"].get<double>(), 0);
  EXPECT_GT(made["layers"][7]["figures"]["alone"]["sqnr_db"].get<double>(), 10);
  EXPECT_EQ(made["warnings"].size(), 0U);
  const std::string csv = Slurp(folder_ / "report.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 54);
  const std::string html = Slurp(page);
  EXPECT_THAT(html, AllOf(HasSubstr("id=\"layer-52\""), HasSubstr("<svg")));
  for (const char* outside : {"http:", "https:", "<script", "<link", "src="}) {
    EXPECT_THAT(html, testing::Not(HasSubstr(outside))) << "a page that opens offline";
  }
  const Outcome ruined = Skiff(start + " --algo hist --hist_percent 0.5");
  EXPECT_EQ(ruined.code, 0);
  EXPECT_THAT(ruined.err, HasSubstr("warning: quantised, the model gives another label"));
}

TEST_F(Cli, QuantizeSaysWhatIsWrong) {
  const std::string start = "quantize " + kFloat + " --out " + (folder_ / "never").string();
  const std::string data = " --data " + kPictures.string();
  EXPECT_EQ(Skiff(start).code, 2);  // no --data
  EXPECT_THAT(Skiff(start + data + " --algo best").err,
              AllOf(HasSubstr("best"), HasSubstr("hist")));
  EXPECT_THAT(Skiff(start + " --data " + folder_.string()).err, HasSubstr("no .jpg"));
  EXPECT_THAT(Skiff(start + " --data /no/such/folder").err, HasSubstr("/no/such/folder"));
  EXPECT_THAT(Skiff(start + data + " --quantizable_op_type relu").err, HasSubstr("relu"));
  EXPECT_THAT(Skiff(start + data + " --crop_size 512 --resize_short 0").err,
              HasSubstr("crop_size 512"));
  EXPECT_FALSE(fs::exists(folder_ / "never"));
}

}  // namespace
}  // namespace skiff::cli_tests
