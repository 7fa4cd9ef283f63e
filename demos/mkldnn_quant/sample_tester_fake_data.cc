// Speed of an ImageNet classifier on made-up pictures. Uses paddle_infer and nothing else; C++11.
#include <iostream>

#include "tester.h"

namespace {

const char kUsage[] =
    "usage: sample_tester_fake_data --infer_model DIR\n"
    "  --batch_size N              pictures a run (1)\n"
    "  --iterations N              batches that are measured (100)\n"
    "  --num_threads N             threads (1)\n"
    "  --with_accuracy_layer=B     the model takes labels too (false)\n"
    "  --use_analysis=B            optimise the model and use oneDNN (true)\n"
    "  --use_int8=B                with use_analysis: run a quantised model in INT8 (false)\n"
    "  --enable_mkldnn_bfloat16=B  float layers in bfloat16, where the library can (false)\n"
    "  --warmup_iter N             batches that are not measured (10)\n";

struct DummyOptions : tester::Options {
  int iterations = 100;
  int warmup_iter = 10;
};

void Measure(const DummyOptions& options) {
  const auto predictor = tester::Load(options);
  const auto batch = static_cast<std::size_t>(options.batch_size);
  const std::vector<float> pictures(batch * tester::kPixels, 1.0F);
  const std::vector<int64_t> labels(batch, 0);
  const int64_t* fed = options.with_accuracy_layer ? labels.data() : nullptr;
  for (int i = 0; i < options.warmup_iter; ++i) {
    tester::RunBatch(predictor.get(), options.batch_size, pictures.data(), fed);
  }
  const tester::Clock clock;
  for (int i = 0; i < options.iterations; ++i) {
    tester::RunBatch(predictor.get(), options.batch_size, pictures.data(), fed);
    tester::Output(predictor.get(), 0);
  }
  const double ms = clock.Ms() / options.iterations;
  std::cerr << "Batch_latency: " << ms << " ms\n"
            << "Sample_latency: " << ms / options.batch_size << " ms\n"
            << "FPS: " << 1000 * options.batch_size / ms << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  DummyOptions options;
  options.batch_size = 1;
  options.with_accuracy_layer = false;
  options.use_analysis = true;
  tester::Flags flags(kUsage);
  tester::AddFlags(&flags, &options);
  flags.Number("iterations", 1, &options.iterations);
  flags.Number("warmup_iter", 0, &options.warmup_iter);
  flags.Switch("enable_mkldnn_bfloat16", &options.enable_mkldnn_bfloat16);
  flags.Parse(argc, argv);
  if (options.infer_model.empty()) flags.Fail("--infer_model is missing");
  try {
    Measure(options);
  } catch (const std::exception& failure) {
    std::cerr << "sample_tester_fake_data: " << failure.what() << std::endl;
    return 1;
  }
  return 0;
}
