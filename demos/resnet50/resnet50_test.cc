// Classifies one made-up picture with a network of 1000 classes, as Paddle Inference's own demo of
// this name does, and tells the average time of a run. Uses paddle_infer and nothing else; C++11.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "paddle_inference_api.h"

namespace {

struct Flags {
  std::string model_file;
  std::string params_file;
  std::string model_dir;
  std::string calibration_file;
  int batch_size = 1;
  int warmup = 0;
  int repeats = 1;
  int threads = 1;
  bool use_int8 = true;
  bool use_ort = false;
  bool use_openvino = false;
};

const char kUsage[] =
    "usage: resnet50_test --model_file F --params_file F | --model_dir D\n"
    "  --calibration_file F  lines `name threshold` for tensors without a scale in the model\n"
    "  --batch_size N        pictures a run (1)\n"
    "  --warmup N            runs that are not timed (0)\n"
    "  --repeats N           runs that are (1)\n"
    "  --threads N           threads (1)\n"
    "  --nouse_int8          quantised models literally, in float\n"
    "  --use_ort, --use_openvino  other engines, where the library has them\n";

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << message << "\n" << kUsage;
  std::exit(2);
}

int PositiveOrZero(const std::string& name, const std::string& text, int least) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < least || value > 1000000) {
    Fail("--" + name + " is " + text + ", a number from " + std::to_string(least) + " expected");
  }
  return static_cast<int>(value);
}

// --name value, --name=value, one dash or two; of switches also --name and --noname.
class Parser {
 public:
  Parser(int argc, char** argv) : args_(argv + 1, argv + argc) {}

  Flags Parse() {
    Flags flags;
    for (at_ = 0; at_ < args_.size(); ++at_) {
      Split();
      if (name_ == "help") {
        std::cout << kUsage;
        std::exit(0);
      }
      if (Text("model_file", &flags.model_file) || Text("params_file", &flags.params_file) ||
          Text("model_dir", &flags.model_dir) ||
          Text("calibration_file", &flags.calibration_file) ||
          Number("batch_size", 1, &flags.batch_size) || Number("warmup", 0, &flags.warmup) ||
          Number("repeats", 1, &flags.repeats) || Number("threads", 1, &flags.threads) ||
          Switch("use_int8", &flags.use_int8) || Switch("use_ort", &flags.use_ort) ||
          Switch("use_openvino", &flags.use_openvino)) {
        continue;
      }
      Fail("unknown flag " + args_[at_]);
    }
    if (flags.model_dir.empty() && flags.model_file.empty()) Fail("no model is given");
    return flags;
  }

 private:
  void Split() {
    const std::string& arg = args_[at_];
    const std::size_t dashes = arg.compare(0, 2, "--") == 0 ? 2 : 1;
    if (arg.empty() || arg[0] != '-') Fail("unexpected argument " + arg);
    const std::size_t equals = arg.find('=');
    has_value_ = equals != std::string::npos;
    name_ = arg.substr(dashes, has_value_ ? equals - dashes : equals);
    value_ = has_value_ ? arg.substr(equals + 1) : "";
  }

  bool Text(const std::string& name, std::string* to) {
    if (name_ != name) return false;
    if (!has_value_) {
      if (at_ + 1 == args_.size()) Fail("--" + name + " needs a value");
      value_ = args_[++at_];
    }
    *to = value_;
    return true;
  }

  bool Number(const std::string& name, int least, int* to) {
    std::string text;
    if (!Text(name, &text)) return false;
    *to = PositiveOrZero(name, text, least);
    return true;
  }

  bool Switch(const std::string& name, bool* to) {
    if (name_ == "no" + name && !has_value_) {
      *to = false;
      return true;
    }
    if (name_ != name) return false;
    *to = !has_value_ || value_ == "true" || value_ == "1";
    return true;
  }

  std::vector<std::string> args_;
  std::size_t at_ = 0;
  std::string name_;
  std::string value_;
  bool has_value_ = false;
};

std::shared_ptr<paddle_infer::Predictor> InitPredictor(const Flags& flags) {
  paddle_infer::Config config;
  if (flags.model_dir.empty()) {
    config.SetModel(flags.model_file, flags.params_file);
  } else {
    config.SetModel(flags.model_dir);
  }
  if (flags.use_ort) {
    config.EnableONNXRuntime();
    config.EnableORTOptimization();
  } else if (flags.use_openvino) {
    config.EnableOpenVINOEngine(paddle_infer::PrecisionType::kFloat32);
  } else {
    config.EnableMKLDNN();
  }
  if (flags.use_int8) config.EnableMkldnnInt8();
  if (!flags.calibration_file.empty()) config.SetCalibrationFilePath(flags.calibration_file);
  config.SetCpuMathLibraryNumThreads(flags.threads);
  config.EnableMemoryOptim();
  return paddle_infer::CreatePredictor(config);
}

void Run(const Flags& flags, paddle_infer::Predictor* predictor, const std::vector<float>& input,
         const std::vector<int>& input_shape, std::vector<float>* out_data) {
  auto input_handle = predictor->GetInputHandle(predictor->GetInputNames()[0]);
  auto output_handle = predictor->GetOutputHandle(predictor->GetOutputNames()[0]);
  input_handle->Reshape(input_shape);
  input_handle->CopyFromCpu(input.data());

  for (int i = 0; i < flags.warmup; ++i) predictor->Run();

  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < flags.repeats; ++i) {
    predictor->Run();
    const std::vector<int> shape = output_handle->shape();
    out_data->resize(static_cast<std::size_t>(
        std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<int>())));
    output_handle->CopyToCpu(out_data->data());
  }
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  std::cout << "run avg time is " << elapsed.count() / flags.repeats << " ms" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const Flags flags = Parser(argc, argv).Parse();
  try {
    auto predictor = InitPredictor(flags);
    const std::vector<int> input_shape = {flags.batch_size, 3, 224, 224};
    std::vector<float> input_data(static_cast<std::size_t>(flags.batch_size) * 3 * 224 * 224);
    for (std::size_t i = 0; i < input_data.size(); ++i) {
      input_data[i] = static_cast<float>(i % 255) * 0.1F;
    }
    std::vector<float> out_data;
    Run(flags, predictor.get(), input_data, input_shape, &out_data);
    for (std::size_t i = 0; i < out_data.size(); i += 100) {
      std::cout << i << " : " << out_data[i] << std::endl;
    }
  } catch (const std::exception& failure) {
    std::cerr << "resnet50_test: " << failure.what() << std::endl;
    return 1;
  }
  return 0;
}
