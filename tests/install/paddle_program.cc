// A program for Paddle Inference, in the style of its C++ demos: compiled against the installed
// layout at each standard. Prints the best class of a made-up picture.
#include <paddle/include/paddle_inference_api.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

using paddle_infer::Config;
using paddle_infer::CreatePredictor;
using paddle_infer::Predictor;

namespace {

std::shared_ptr<Predictor> InitPredictor(const std::string& model, const std::string& params) {
  Config config;
  config.SetModel(model, params);
  config.EnableMKLDNN();
  config.EnableMemoryOptim();
  config.SetCpuMathLibraryNumThreads(1);
  config.SwitchIrOptim(true);
  config.DisableGlogInfo();
  return CreatePredictor(config);
}

std::vector<float> RunOn(Predictor* predictor, const std::vector<float>& input,
                         const std::vector<int>& input_shape) {
  const std::vector<std::string> input_names = predictor->GetInputNames();
  std::unique_ptr<paddle_infer::Tensor> input_t = predictor->GetInputHandle(input_names[0]);
  input_t->Reshape(input_shape);
  input_t->CopyFromCpu(input.data());
  if (!predictor->Run()) return {};
  const std::vector<std::string> output_names = predictor->GetOutputNames();
  auto output_t = predictor->GetOutputHandle(output_names[0]);
  const std::vector<int> output_shape = output_t->shape();
  const int out_num =
      std::accumulate(output_shape.begin(), output_shape.end(), 1, std::multiplies<int>());
  std::vector<float> out_data(static_cast<std::size_t>(out_num));
  output_t->CopyToCpu(out_data.data());
  return out_data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  // What the library throws is caught outside of it, by its own type.
  try {
    InitPredictor("missing.pdmodel", "missing.pdiparams");
    return 3;
  } catch (const paddle::platform::EnforceNotMet& failure) {
    if (failure.kind() != "NotFound") return 4;
  }
  auto predictor = InitPredictor(argv[1], argv[2]);
  std::vector<float> input(1 * 3 * 224 * 224);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 255) * 0.1F;
  const std::vector<float> scores = RunOn(predictor.get(), input, {1, 3, 224, 224});
  const auto best = std::max_element(scores.begin(), scores.end());
  std::cout << best - scores.begin() << " " << *best << std::endl;
  return scores.size() == 1000 ? 0 : 5;
}
