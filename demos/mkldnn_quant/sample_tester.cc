// Accuracy and speed of an ImageNet classifier on a binary data file, as PaddleSlim's mkldnn_quant
// demo measures them. Uses paddle_infer and nothing else; C++11.
#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "tester.h"

namespace {

const char kUsage[] =
    "usage: sample_tester --infer_model DIR --infer_data FILE\n"
    "  --batch_size N            pictures a run (50)\n"
    "  --iterations N            batches to run; 0: all (0)\n"
    "  --num_threads N           threads (1)\n"
    "  --with_accuracy_layer=B   the model takes labels and gives top-1 and top-5 itself (true)\n"
    "  --use_analysis=B          optimise the model and use oneDNN (false)\n"
    "  --use_int8=B              with use_analysis: run a quantised model in INT8 (false)\n"
    "  --warmup_iter N           batches that are not measured (2)\n";

struct TesterOptions : tester::Options {
  std::string infer_data;
  int iterations = 0;
  int warmup_iter = 2;
};

// int64 N, then N x 3 x 224 x 224 float32, then N int64 labels.
class DataFile {
 public:
  explicit DataFile(const std::string& path) : file_(path.c_str(), std::ios::binary) {
    if (!file_) throw std::runtime_error(path + ": cannot be opened");
    file_.read(reinterpret_cast<char*>(&total_), sizeof(total_));
    file_.seekg(0, std::ios::end);
    const std::streamoff size = file_.tellg();
    const std::streamoff one = static_cast<std::streamoff>(kPictureBytes + sizeof(int64_t));
    if (total_ < 1 || total_ > size / one ||
        size != static_cast<std::streamoff>(sizeof(total_)) + total_ * one) {
      throw std::runtime_error(path + ": is no file of 3 x 224 x 224 pictures with labels");
    }
  }

  int64_t total() const { return total_; }

  void Read(int64_t first, int count, std::vector<float>* pictures, std::vector<int64_t>* labels) {
    pictures->resize(static_cast<std::size_t>(count) * tester::kPixels);
    labels->resize(static_cast<std::size_t>(count));
    const std::streamoff start = sizeof(total_);
    const std::streamoff picture = static_cast<std::streamoff>(kPictureBytes);
    ReadAt(start + first * picture, pictures->data(), pictures->size() * sizeof(float));
    ReadAt(start + total_ * picture + first * static_cast<std::streamoff>(sizeof(int64_t)),
           labels->data(), labels->size() * sizeof(int64_t));
  }

 private:
  static constexpr std::size_t kPictureBytes = tester::kPixels * sizeof(float);

  void ReadAt(std::streamoff at, void* to, std::size_t bytes) {
    file_.seekg(at);
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!file_) throw std::runtime_error("the data file ends early");
  }

  std::ifstream file_;
  int64_t total_ = 0;
};

struct Accuracy {
  double top1;
  double top5;
};

// The share of a batch whose label is the best, and among the five best, of its scores.
Accuracy Rank(const std::vector<float>& scores, const std::vector<int64_t>& labels) {
  const std::size_t classes = scores.size() / labels.size();
  Accuracy sum = {0, 0};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float* row = scores.data() + i * classes;
    const auto label = static_cast<std::size_t>(labels[i]);
    if (label >= classes) {
      throw std::runtime_error("label " + std::to_string(labels[i]) + " of a model with " +
                               std::to_string(classes) + " classes");
    }
    std::size_t better = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      better += row[c] > row[label] || (row[c] == row[label] && c < label) ? 1 : 0;
    }
    sum.top1 += better < 1 ? 1 : 0;
    sum.top5 += better < 5 ? 1 : 0;
  }
  const auto n = static_cast<double>(labels.size());
  return {sum.top1 / n, sum.top5 / n};
}

class Tester {
 public:
  explicit Tester(const TesterOptions& options)
      : options_(options), data_(options.infer_data), predictor_(tester::Load(options)) {
    std::cerr << "Total images in file: " << data_.total() << "\n";
    const int64_t whole = data_.total() / options.batch_size;
    batches_ = options.iterations > 0 ? std::min<int64_t>(options.iterations, whole) : whole;
    if (batches_ < 1) throw std::runtime_error("the data file has not even one batch");
  }

  void Run() {
    std::cerr << "Warmup " << options_.warmup_iter << " batches\n";
    for (int i = 0; i < options_.warmup_iter; ++i) {
      Next(i % batches_);
      RunOne();
    }
    double ms = 0;
    Accuracy sum = {0, 0};
    for (int64_t i = 0; i < batches_; ++i) {
      Next(i);
      const tester::Clock clock;
      RunOne();
      const Accuracy batch = AccuracyOfBatch();
      ms += clock.Ms();
      sum.top1 += batch.top1;
      sum.top5 += batch.top5;
      const int64_t done = (i + 1) * options_.batch_size;
      if (done / 100 != (done - options_.batch_size) / 100) {
        std::cerr << "Infer " << done << " samples\n";
      }
    }
    Summarise(ms, sum);
  }

 private:
  void Next(int64_t batch) {
    data_.Read(batch * options_.batch_size, options_.batch_size, &pictures_, &labels_);
  }

  void RunOne() {
    tester::RunBatch(predictor_.get(), options_.batch_size, pictures_.data(),
                     options_.with_accuracy_layer ? labels_.data() : nullptr);
  }

  Accuracy AccuracyOfBatch() {
    if (!options_.with_accuracy_layer) return Rank(tester::Output(predictor_.get(), 0), labels_);
    return {tester::Output(predictor_.get(), 1).at(0), tester::Output(predictor_.get(), 2).at(0)};
  }

  void Summarise(double ms, const Accuracy& sum) const {
    const auto batches = static_cast<double>(batches_);
    const double samples = batches * options_.batch_size;
    std::cerr << "Model: " << options_.infer_model << "\n"
              << "====== num of threads: " << options_.num_threads << " ======\n"
              << "====== batch size: " << options_.batch_size << ", iterations: " << batches_
              << "\n"
              << "====== batch latency: " << ms / batches
              << "ms, number of samples: " << static_cast<int64_t>(samples)
              << ", sample latency: " << ms / samples << "ms, fps: " << 1000 * samples / ms
              << " ======\n"
              << std::fixed << std::setprecision(4) << "Top1 accuracy: " << std::setw(6)
              << sum.top1 / batches << "\nTop5 accuracy: " << std::setw(6) << sum.top5 / batches
              << std::endl;
  }

  const TesterOptions& options_;
  DataFile data_;
  std::shared_ptr<paddle_infer::Predictor> predictor_;
  int64_t batches_ = 0;
  std::vector<float> pictures_;
  std::vector<int64_t> labels_;
};

}  // namespace

int main(int argc, char** argv) {
  TesterOptions options;
  tester::Flags flags(kUsage);
  tester::AddFlags(&flags, &options);
  flags.Text("infer_data", &options.infer_data);
  flags.Number("iterations", 0, &options.iterations);
  flags.Number("warmup_iter", 0, &options.warmup_iter);
  flags.Parse(argc, argv);
  if (options.infer_model.empty()) flags.Fail("--infer_model is missing");
  if (options.infer_data.empty()) flags.Fail("--infer_data is missing");
  try {
    Tester(options).Run();
  } catch (const std::exception& failure) {
    std::cerr << "sample_tester: " << failure.what() << std::endl;
    return 1;
  }
  return 0;
}
