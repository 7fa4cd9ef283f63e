// Writes the first inputs of the fuzz targets, fuzz_seeds FOLDER: one folder for each target, made
// of the golden files of this repository and of a few lines of text.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "formats/model_files.h"
#include "formats/program_reader.h"
#include "program/program.h"

namespace skiff::fuzz {
namespace {

namespace fs = std::filesystem;

// Larger inputs make the targets slow and teach them nothing more.
constexpr size_t kMaxSeedBytes = 40'000;

const fs::path kGolden = fs::path(SKIFF_SOURCE_DIR) / "tests/golden";

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Seeds {
 public:
  explicit Seeds(fs::path root) : root_(std::move(root)) {}

  void Add(const std::string& target, const std::string& name, const std::string& bytes) {
    if (bytes.size() > kMaxSeedBytes) return;
    fs::create_directories(root_ / target);
    std::ofstream file(root_ / target / name, std::ios::binary);
    file << bytes;
    failed_ = failed_ || !file.flush();
  }

  void Add(const std::string& target, std::initializer_list<std::string> texts) {
    int number = 0;
    for (const std::string& text : texts) Add(target, "text" + std::to_string(number++), text);
  }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  fs::path root_;
  bool failed_ = false;
};

std::string LittleEndian(size_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

void AddModel(const fs::path& folder, const std::string& name, Seeds& seeds) {
  const fs::path path = folder / "inference.pdmodel";
  if (!fs::exists(path)) return;
  const std::string program = Read(path);
  const std::string params = Read(folder / "inference.pdiparams");
  seeds.Add("program", name, program);
  for (const char precision : {'\0', '\1', '\2'}) {
    seeds.Add("model", name + "_" + std::to_string(precision),
              precision + LittleEndian(program.size()) + program + params);
  }
  const auto read = formats::ReadProgram(std::as_bytes(std::span(program)), "seed");
  if (!read.ok()) return;
  const size_t count = program::ParameterNames(*read).size();
  if (count < 256) seeds.Add("params", name, static_cast<char>(count) + params);
}

// Every golden file that one of the readers takes.
void AddGoldenFiles(Seeds& seeds) {
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    const fs::path& path = entry.path();
    const std::string name =
        path.parent_path().filename().string() + "_" + path.filename().string();
    if (entry.is_directory()) AddModel(path, name, seeds);
    const std::string ending = path.extension();
    if (ending == ".npy") seeds.Add("npy", name, Read(path));
    if (ending == ".npz") seeds.Add("npz", name, Read(path));
    if (ending == ".jpg" || ending == ".png") seeds.Add("picture", name, Read(path));
  }
  const fs::path separate = kGolden / "formats/m26_sep";
  for (const auto& entry : fs::directory_iterator(separate)) {
    const std::string name = entry.path().filename();
    seeds.Add(name == "__model__" ? "program" : "tensor", name, Read(entry.path()));
  }
}

void AddTexts(Seeds& seeds) {
  seeds.Add("calibration",
            {"conv2d_0.tmp_0 12.5\nrelu_0.tmp_0 3e-2\n", "a 1\na 2\n\nb -1\nc nan\n"});
  seeds.Add(
      "text_files",
      {std::string(1, '\0') +
           R"({"resize_short": 256, "crop_size": 224, "interpolation": "bicubic",
                     "mean": [0.5, 0.5, 0.5], "std": [1, 1, 1], "scale": 0.0039, "channel_order": "bgr"})",
       std::string(1, '\0') + R"({"resize": [320, 320], "crop_size": 0, "label_offset": 1})",
       "\x01n01440764 tench, Tinca tinca\ngoldfish\r\n\n", "\x02# list\na b/c.jpg 7\nd.png -1\n",
       "\x03"
       "a b.jpg 7 7 0.25\nc.jpg 1 2 1e-3\n",
       "\x04"
       "1,3,224,224"});
  seeds.Add(
      "command_line",
      {"run\n--model_dir\nm\n--input\nx=a.npy\n--output_dir\no\n--threads\n2",
       "run\n--model_file\na.pdmodel\n--params_file\nb\na.jpg\nb.png\n--topk\n5\n--json",
       "bench\n--model_dir\nm\n--precision\nint8,fp32\n--batch_size\n7\n--warmup\n1\n--repeats\n3",
       "eval\n--model_dir\nm\n--list\nl.txt\n--resize\n256,256\n--mean\n0,0,0\n--std\n1,1,1",
       "inspect\n--model_dir\nm\n--json", "explain\n--model_dir\nm\n--input_shape\nx=1,3,32,32",
       "compare\n--model_dir\nm\n--precision\nint8,simulate", "doctor\n--json", "help\nrun",
       "--version", "run\n--help",
       "quantize\n--model_dir\nm\n--data\nd\n--out\no\n--recipe\nbest\n--algo\nhist\n--report\nr",
       "convert\n--model_dir\nm\n--out\no", "quantize_dynamic\n--model_dir\nm\n--out\no",
       "quantize_embedding\n--model_dir\nm\n--out\no", "make_data\n--list\nl\n--out\no",
       "analyze\n--model_dir\nm\n--data\nd", "tune\n--model_dir\nm\n--data\nd"});
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  Seeds seeds(argv[1]);
  AddGoldenFiles(seeds);
  AddTexts(seeds);
  return seeds.failed() ? 1 : 0;
}

}  // namespace
}  // namespace skiff::fuzz

int main(int argc, char** argv) { return skiff::fuzz::Main(argc, argv); }
