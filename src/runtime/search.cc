#include "runtime/search.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <unordered_map>

namespace skiff::runtime {
namespace {

using Clock = std::chrono::steady_clock;

// A gain below this is noise more often than not.
constexpr double kLeastGain = 0.03;
constexpr int kRunsPerRound = 2;

// Keeps the least time of every step.
class LeastTimes final : public StepObserver {
 public:
  explicit LeastTimes(const Context& context)
      : context_(context),
        ms_(context.model().steps.size(), std::numeric_limits<double>::infinity()) {}
  void Before(size_t /*step*/) override { start_ = Clock::now(); }
  void After(size_t step) override {
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
    ms_[step] = std::min(ms_[step], ms);
  }
  [[nodiscard]] bool TakesParts() const override { return true; }
  // Of all parts of a batch.
  [[nodiscard]] double ms(size_t step) const {
    return ms_[step] * static_cast<double>(context_.parts(step));
  }

 private:
  const Context& context_;
  std::vector<double> ms_;
  Clock::time_point start_;
};

Result<std::unique_ptr<Context>> Ready(const program::Program& program,
                                       const plan::CompileOptions& options,
                                       const std::vector<SearchInput>& inputs,
                                       const ContextOptions& context_options) {
  SKIFF_ASSIGN_OR_RETURN(auto model, plan::Compile(program, options));
  auto context = std::make_unique<Context>(std::move(model), context_options);
  for (size_t i = 0; i < inputs.size(); ++i) {
    SKIFF_RETURN_IF_ERROR(context->SetInput(i, inputs[i].dtype, inputs[i].dims, inputs[i].data));
  }
  SKIFF_RETURN_IF_ERROR(context->Run());  // extents are known, memory is touched
  return context;
}

class Search {
 public:
  Search(const program::Program& program, plan::CompileOptions options,
         const std::vector<SearchInput>& inputs, const SearchOptions& search)
      : program_(program), options_(std::move(options)), inputs_(inputs), search_(search) {
    options_.choices = nullptr;
  }

  Result<std::vector<SearchedLayer>> Run() {
    SKIFF_ASSIGN_OR_RETURN(base_, Ready(program_, options_, inputs_, search_.context));
    ListLayers();
    size_t most = 0;
    for (const Layer& layer : layers_) most = std::max(most, layer.kernels.size());
    if (most > 1) total_ = static_cast<int64_t>(most - 1) * search_.rounds;
    for (size_t rank = 1; rank < most; ++rank) SKIFF_RETURN_IF_ERROR(Try(rank));
    std::vector<SearchedLayer> found;
    for (Layer& layer : layers_) found.push_back(std::move(layer.found));
    return found;
  }

 private:
  struct Layer {
    std::vector<size_t> steps;
    std::vector<std::string> kernels;
    double best_ratio = 1 - kLeastGain;
    SearchedLayer found;
  };

  void ListLayers() {
    const plan::Model& model = base_->model();
    std::unordered_map<std::string, size_t> index;
    for (size_t s = 0; s < model.steps.size(); ++s) {
      std::vector<Dims> in;
      std::vector<Dims> out;
      for (const steps::Tensor& tensor : base_->inputs(s)) in.push_back(tensor.dims);
      for (const steps::Tensor& tensor : base_->outputs(s)) out.push_back(tensor.dims);
      steps::KernelCandidates candidates =
          model.steps[s].step->Candidates(in, out, search_.context.threads);
      if (candidates.kernels.size() < 2) continue;
      const auto [it, fresh] = index.emplace(candidates.layer, layers_.size());
      if (fresh) {
        Layer& layer = layers_.emplace_back();
        layer.found.layer = candidates.layer;
        layer.found.default_kernel = layer.found.kernel = candidates.kernels.front();
        layer.kernels = std::move(candidates.kernels);
      }
      layers_[it->second].steps.push_back(s);
      ++layers_[it->second].found.steps;
    }
  }

  // Every layer on its candidate `rank`, where it has so many.
  Status Try(size_t rank) {
    auto choices = std::make_shared<steps::KernelChoices>();
    for (const Layer& layer : layers_) {
      if (rank < layer.kernels.size()) choices->Set(layer.found.layer, layer.kernels[rank]);
    }
    options_.choices = std::move(choices);
    SKIFF_ASSIGN_OR_RETURN(const auto trial, Ready(program_, options_, inputs_, search_.context));
    if (trial->model().steps.size() != base_->model().steps.size()) {
      return Internal("a choice of kernels changed a plan");
    }
    LeastTimes before(*base_);
    LeastTimes after(*trial);
    for (int round = 0; round < search_.rounds; ++round) {
      for (int run = 0; run < kRunsPerRound; ++run) SKIFF_RETURN_IF_ERROR(base_->Run(&before));
      for (int run = 0; run < kRunsPerRound; ++run) SKIFF_RETURN_IF_ERROR(trial->Run(&after));
      if (search_.progress) search_.progress(++done_, total_);
    }
    for (Layer& layer : layers_) {
      if (rank < layer.kernels.size()) Judge(before, after, layer.kernels[rank], &layer);
    }
    return OkStatus();
  }

  static void Judge(const LeastTimes& before, const LeastTimes& after, const std::string& kernel,
                    Layer* layer) {
    double default_ms = 0;
    double ms = 0;
    for (const size_t step : layer->steps) {
      default_ms += before.ms(step);
      ms += after.ms(step);
    }
    SearchedLayer& found = layer->found;
    if (found.default_ms == 0) found.default_ms = found.ms = default_ms;
    const double ratio = ms / default_ms;
    if (ratio >= layer->best_ratio) return;
    layer->best_ratio = ratio;
    found.kernel = kernel;
    found.ms = ratio * found.default_ms;
  }

  const program::Program& program_;
  plan::CompileOptions options_;
  const std::vector<SearchInput>& inputs_;
  const SearchOptions& search_;
  std::unique_ptr<Context> base_;
  std::vector<Layer> layers_;
  int64_t done_ = 0;
  int64_t total_ = 0;
};

}  // namespace

Result<std::vector<SearchedLayer>> SearchKernels(const program::Program& program,
                                                 plan::CompileOptions options,
                                                 const std::vector<SearchInput>& inputs,
                                                 const SearchOptions& search) {
  return Search(program, std::move(options), inputs, search).Run();
}

}  // namespace skiff::runtime
