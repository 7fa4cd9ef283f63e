#include <algorithm>

#include "api/errors.h"
#include "api/pass_lists.h"
#include "paddle_infer/paddle_pass_builder.h"

namespace paddle {
namespace {

template <size_t N>
std::vector<std::string> Names(const std::string_view (&list)[N]) {
  return {std::begin(list), std::end(list)};
}

}  // namespace

PaddlePassBuilder::PaddlePassBuilder(const std::vector<std::string>& passes)
    : passes_(passes), analysis_passes_(Names(skiff::api::kAnalysisPasses)) {}
PaddlePassBuilder::~PaddlePassBuilder() = default;

void PaddlePassBuilder::SetPasses(std::initializer_list<std::string> passes) { passes_ = passes; }

void PaddlePassBuilder::AppendPass(const std::string& pass_type) { passes_.push_back(pass_type); }

void PaddlePassBuilder::InsertPass(std::size_t idx, const std::string& pass_type) {
  if (idx > passes_.size()) {
    skiff::api::Throw("InvalidArgument", "InsertPass at " + std::to_string(idx) + " of a list of " +
                                             std::to_string(passes_.size()));
  }
  passes_.insert(passes_.begin() + static_cast<std::ptrdiff_t>(idx), pass_type);
}

void PaddlePassBuilder::DeletePass(std::size_t idx) {
  if (idx >= passes_.size()) {
    skiff::api::Throw("InvalidArgument", "DeletePass of " + std::to_string(idx) + " of a list of " +
                                             std::to_string(passes_.size()));
  }
  passes_.erase(passes_.begin() + static_cast<std::ptrdiff_t>(idx));
}

void PaddlePassBuilder::DeletePass(const std::string& pass_type) {
  passes_.erase(std::remove(passes_.begin(), passes_.end(), pass_type), passes_.end());
}

std::size_t PaddlePassBuilder::GetPassIndex(const std::string& pass_type) {
  const auto found = std::find(passes_.begin(), passes_.end(), pass_type);
  return found == passes_.end() ? static_cast<std::size_t>(-1)
                                : static_cast<std::size_t>(found - passes_.begin());
}

void PaddlePassBuilder::ClearPasses() { passes_.clear(); }

void PaddlePassBuilder::AppendAnalysisPass(const std::string& pass) {
  analysis_passes_.push_back(pass);
}

void PaddlePassBuilder::TurnOnDebug() {
  std::vector<std::string> with_pictures;
  for (const std::string& pass : passes_) {
    with_pictures.push_back(pass);
    with_pictures.emplace_back("graph_viz_pass");
  }
  passes_ = std::move(with_pictures);
}

std::string PaddlePassBuilder::DebugString() {
  std::string text = "Passes to apply:\n";
  for (const std::string& pass : passes_) text += "  - " + pass + "\n";
  return text;
}

const std::vector<std::string>& PaddlePassBuilder::AllPasses() const { return passes_; }
std::vector<std::string> PaddlePassBuilder::AnalysisPasses() const {
  std::vector<std::string> passes = analysis_passes_;
  passes.emplace_back(skiff::api::kLastAnalysisPass);
  return passes;
}

PassStrategy::PassStrategy(const std::vector<std::string>& passes) : PaddlePassBuilder(passes) {}
PassStrategy::~PassStrategy() = default;

void PassStrategy::EnableMKLDNN() {
  passes_ = Names(skiff::api::kCpuPasses);
  passes_.insert(passes_.begin(), std::string(skiff::api::kOnednnFirstPass));
  passes_.insert(passes_.end(), std::begin(skiff::api::kOnednnPasses),
                 std::end(skiff::api::kOnednnPasses));
}

void PassStrategy::EnableMkldnnInt8() { passes_ = Names(skiff::api::kInt8Passes); }

void PassStrategy::EnableMkldnnQuantizer() { passes_.emplace_back("cpu_quantize_placement_pass"); }

void PassStrategy::EnableMkldnnBfloat16() {
  if (GetPassIndex("cpu_bfloat16_pass") != static_cast<std::size_t>(-1)) return;
  passes_.insert(passes_.end(), std::begin(skiff::api::kBfloat16Passes),
                 std::end(skiff::api::kBfloat16Passes));
}

void PassStrategy::DisableMkldnnFcPasses() {
  for (const std::string_view pass : skiff::api::kFcPasses) DeletePass(std::string(pass));
}

bool PassStrategy::use_gpu() const { return false; }

CpuPassStrategy::CpuPassStrategy() : PassStrategy(Names(skiff::api::kCpuPasses)) {}
CpuPassStrategy::~CpuPassStrategy() = default;

}  // namespace paddle
