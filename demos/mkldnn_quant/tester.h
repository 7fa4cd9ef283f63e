// What both testers share: flags in gflags' spelling, and a classifier behind paddle_infer.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "paddle_inference_api.h"

namespace tester {

// --name value, --name=value, one dash or two; of switches also --name and --noname.
class Flags {
 public:
  explicit Flags(std::string usage) : usage_(std::move(usage)) {}

  void Text(const std::string& name, std::string* value) { texts_[name] = value; }
  void Number(const std::string& name, int least, int* value) { numbers_[name] = {least, value}; }
  void Switch(const std::string& name, bool* value) { switches_[name] = value; }

  void Parse(int argc, char** argv) const {
    for (int i = 1; i < argc; ++i) {
      const std::string arg = argv[i];
      if (arg.empty() || arg[0] != '-') Fail("unexpected argument " + arg);
      const std::size_t dashes = arg.compare(0, 2, "--") == 0 ? 2 : 1;
      const std::size_t equals = arg.find('=');
      const bool has_value = equals != std::string::npos;
      std::string name = arg.substr(dashes, has_value ? equals - dashes : equals);
      std::string value = has_value ? arg.substr(equals + 1) : "";
      if (name == "help") {
        std::cout << usage_;
        std::exit(0);
      }
      if (SetSwitch(name, has_value, value)) continue;
      if (texts_.count(name) == 0 && numbers_.count(name) == 0) Fail("unknown flag " + arg);
      if (!has_value) {
        if (i + 1 == argc) Fail("--" + name + " needs a value");
        value = argv[++i];
      }
      Set(name, value);
    }
  }

  [[noreturn]] void Fail(const std::string& message) const {
    std::cerr << message << "\n" << usage_;
    std::exit(2);
  }

 private:
  bool SetSwitch(const std::string& name, bool has_value, const std::string& value) const {
    if (!has_value && name.compare(0, 2, "no") == 0 && switches_.count(name.substr(2)) != 0) {
      *switches_.at(name.substr(2)) = false;
      return true;
    }
    const auto found = switches_.find(name);
    if (found == switches_.end()) return false;
    const bool on = !has_value || value == "true" || value == "1";
    if (!on && value != "false" && value != "0") Fail("--" + name + " is " + value);
    *found->second = on;
    return true;
  }

  void Set(const std::string& name, const std::string& value) const {
    if (texts_.count(name) != 0) {
      *texts_.at(name) = value;
      return;
    }
    char* end = nullptr;
    const long number = std::strtol(value.c_str(), &end, 10);
    const int least = numbers_.at(name).first;
    if (value.empty() || *end != '\0' || number < least || number > 1000000) {
      Fail("--" + name + " is " + value + ", a number from " + std::to_string(least) + " expected");
    }
    *numbers_.at(name).second = static_cast<int>(number);
  }

  std::string usage_;
  std::map<std::string, std::string*> texts_;
  std::map<std::string, std::pair<int, int*>> numbers_;
  std::map<std::string, bool*> switches_;
};

struct Options {
  std::string infer_model;
  int batch_size = 50;
  int num_threads = 1;
  bool with_accuracy_layer = true;
  bool use_analysis = false;
  bool use_int8 = false;
  bool enable_mkldnn_bfloat16 = false;
};

inline void AddFlags(Flags* flags, Options* options) {
  flags->Text("infer_model", &options->infer_model);
  flags->Number("batch_size", 1, &options->batch_size);
  flags->Number("num_threads", 1, &options->num_threads);
  flags->Switch("with_accuracy_layer", &options->with_accuracy_layer);
  flags->Switch("use_analysis", &options->use_analysis);
  flags->Switch("use_int8", &options->use_int8);
}

inline std::shared_ptr<paddle_infer::Predictor> Load(const Options& options) {
  paddle_infer::Config config(options.infer_model);
  config.SetCpuMathLibraryNumThreads(options.num_threads);
  config.SwitchIrOptim(options.use_analysis);
  if (options.use_analysis) {
    config.EnableMKLDNN();
    if (options.use_int8) config.EnableMkldnnInt8();
    if (options.enable_mkldnn_bfloat16) config.EnableMkldnnBfloat16();
  } else {
    config.DisableMKLDNN();
  }
  return paddle_infer::CreatePredictor(config);
}

constexpr int kSide = 224;
constexpr std::size_t kPixels = 3 * kSide * kSide;

// Feeds a batch of pictures, with labels where the model computes its own accuracy, and runs it.
inline void RunBatch(paddle_infer::Predictor* predictor, int batch_size, const float* pictures,
                     const int64_t* labels) {
  const std::vector<std::string> names = predictor->GetInputNames();
  auto image = predictor->GetInputHandle(names[0]);
  image->Reshape({batch_size, 3, kSide, kSide});
  image->CopyFromCpu(pictures);
  if (labels != nullptr) {
    if (names.size() < 2) throw std::runtime_error("the model has no input for labels");
    auto label = predictor->GetInputHandle(names[1]);
    label->Reshape({batch_size, 1});
    label->CopyFromCpu(labels);
  }
  predictor->Run();
}

inline std::vector<float> Output(paddle_infer::Predictor* predictor, std::size_t index) {
  const std::vector<std::string> names = predictor->GetOutputNames();
  if (index >= names.size()) {
    throw std::runtime_error("the model has " + std::to_string(names.size()) +
                             " outputs: --with_accuracy_layer=false?");
  }
  const auto handle = predictor->GetOutputHandle(names[index]);
  const std::vector<int> shape = handle->shape();
  std::vector<float> values(static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<int>())));
  handle->CopyToCpu(values.data());
  return values;
}

class Clock {
 public:
  double Ms() const {
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start_;
    return elapsed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace tester
