#include <map>
#include <utility>

#include "paddle_infer/paddle_api.h"
#include "paddle_infer/paddle_mkldnn_quantizer_config.h"

namespace paddle {

struct MkldnnQuantizerConfig::State {
  std::map<std::pair<std::string, std::string>, ScaleAlgo> algos;
  ScaleAlgo default_algo = ScaleAlgo::MAX;
  std::shared_ptr<std::vector<PaddleTensor>> warmup_data;
  int warmup_batch_size = 1;
  std::unordered_set<std::string> enabled_op_types;
  std::unordered_set<int> excluded_op_ids;
};

MkldnnQuantizerConfig::MkldnnQuantizerConfig() : state_(std::make_unique<State>()) {}
MkldnnQuantizerConfig::MkldnnQuantizerConfig(const MkldnnQuantizerConfig& other)
    : state_(std::make_unique<State>(*other.state_)) {}
MkldnnQuantizerConfig& MkldnnQuantizerConfig::operator=(const MkldnnQuantizerConfig& other) {
  *state_ = State(*other.state_);
  return *this;
}
MkldnnQuantizerConfig::~MkldnnQuantizerConfig() = default;

void MkldnnQuantizerConfig::SetScaleAlgo(const std::string& op_type_name,
                                         const std::string& conn_name, ScaleAlgo algo) {
  state_->algos[{op_type_name, conn_name}] = algo;
}

ScaleAlgo MkldnnQuantizerConfig::scale_algo(const std::string& op_type_name,
                                            const std::string& conn_name) const {
  const auto found = state_->algos.find({op_type_name, conn_name});
  return found == state_->algos.end() ? state_->default_algo : found->second;
}

void MkldnnQuantizerConfig::SetDefaultScaleAlgo(ScaleAlgo algo) { state_->default_algo = algo; }
ScaleAlgo MkldnnQuantizerConfig::default_scale_algo() const { return state_->default_algo; }
void MkldnnQuantizerConfig::SetWarmupData(std::shared_ptr<std::vector<PaddleTensor>> data) {
  state_->warmup_data = std::move(data);
}
std::shared_ptr<std::vector<PaddleTensor>> MkldnnQuantizerConfig::warmup_data() const {
  return state_->warmup_data;
}
void MkldnnQuantizerConfig::SetWarmupBatchSize(int batch_size) {
  state_->warmup_batch_size = batch_size;
}
int MkldnnQuantizerConfig::warmup_batch_size() const { return state_->warmup_batch_size; }
void MkldnnQuantizerConfig::SetEnabledOpTypes(const std::unordered_set<std::string>& op_list) {
  state_->enabled_op_types = op_list;
}
const std::unordered_set<std::string>& MkldnnQuantizerConfig::enabled_op_types() const {
  return state_->enabled_op_types;
}
void MkldnnQuantizerConfig::SetExcludedOpIds(const std::unordered_set<int>& op_ids_list) {
  state_->excluded_op_ids = op_ids_list;
}
const std::unordered_set<int>& MkldnnQuantizerConfig::excluded_op_ids() const {
  return state_->excluded_op_ids;
}

}  // namespace paddle
