// MkldnnQuantizerConfig: how a Config's EnableMkldnnQuantizer calibrates a float model, as in
// Paddle 2.6 and before. Value type.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "paddle_infer_declare.h"

namespace paddle {

struct PaddleTensor;

enum class ScaleAlgo { NONE, MAX, MAX_CH, MAX_CH_T, KL };

struct PD_INFER_DECL MkldnnQuantizerConfig {
  MkldnnQuantizerConfig();
  MkldnnQuantizerConfig(const MkldnnQuantizerConfig& other);
  MkldnnQuantizerConfig& operator=(const MkldnnQuantizerConfig& other);
  ~MkldnnQuantizerConfig();

  void SetScaleAlgo(const std::string& op_type_name, const std::string& conn_name, ScaleAlgo algo);
  ScaleAlgo scale_algo(const std::string& op_type_name, const std::string& conn_name) const;
  void SetDefaultScaleAlgo(ScaleAlgo algo);
  ScaleAlgo default_scale_algo() const;
  void SetWarmupData(std::shared_ptr<std::vector<PaddleTensor>> data);
  std::shared_ptr<std::vector<PaddleTensor>> warmup_data() const;
  void SetWarmupBatchSize(int batch_size);
  int warmup_batch_size() const;
  void SetEnabledOpTypes(const std::unordered_set<std::string>& op_list);
  const std::unordered_set<std::string>& enabled_op_types() const;
  void SetExcludedOpIds(const std::unordered_set<int>& op_ids_list);
  const std::unordered_set<int>& excluded_op_ids() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paddle

// NOLINTEND(readability-identifier-naming)
