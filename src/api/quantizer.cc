#include "api/quantizer.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "api/errors.h"
#include "api/types.h"
#include "paddle_infer/paddle_api.h"
#include "session/load.h"
#include "skiff/quantize.h"

namespace skiff::api {
namespace {

namespace fs = std::filesystem;

// One batch: a tensor for each input, in the model's order.
class WarmupData : public CalibrationData {
 public:
  explicit WarmupData(const std::vector<paddle::PaddleTensor>& tensors) : tensors_(tensors) {}

  [[nodiscard]] int64_t batches() const override { return 1; }

  Result<std::vector<TensorView>> Batch(int64_t) override {
    std::vector<TensorView> views;
    for (const paddle::PaddleTensor& tensor : tensors_) {
      TensorView view;
      view.dtype = FromPaddle(tensor.dtype);
      view.dims.assign(tensor.shape.begin(), tensor.shape.end());
      view.data = tensor.data.data();
      size_t bytes = SizeOf(view.dtype);
      for (const int64_t extent : view.dims) {
        if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) {
          return InvalidArgument("warm-up tensor " + tensor.name + " has an extent of " +
                                 std::to_string(extent));
        }
      }
      if (bytes > tensor.data.length()) {
        return InvalidArgument("warm-up tensor " + tensor.name + " has " + std::to_string(bytes) +
                               " bytes by its shape, its data " +
                               std::to_string(tensor.data.length()));
      }
      view.bytes = bytes;
      views.push_back(std::move(view));
    }
    return views;
  }

 private:
  const std::vector<paddle::PaddleTensor>& tensors_;
};

// A folder that goes when this does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "skiff_XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr) {
      Throw("Unavailable", "cannot make a temporary folder to quantise the model in");
    }
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// "fc" is what Paddle calls products once it has fused their bias.
void Restrict(const paddle::MkldnnQuantizerConfig& config, std::vector<std::string>* types) {
  const auto& enabled = config.enabled_op_types();
  if (enabled.empty()) return;
  const auto is_off = [&](const std::string& type) {
    const bool product = type == "mul" || type == "matmul" || type == "matmul_v2";
    return enabled.count(type) == 0 && !(product && enabled.count("fc") != 0);
  };
  types->erase(std::remove_if(types->begin(), types->end(), is_off), types->end());
}

// The parameters of the operators with these positions in the model file: nobody else's.
std::vector<std::string> ParametersOf(const ModelSource& source,
                                      const std::unordered_set<int>& positions) {
  std::vector<std::string> names;
  if (positions.empty()) return names;
  const Result<program::Program> program = session::ReadSource(source);
  if (!program.ok()) Throw(program.status());
  const std::vector<program::OpDesc>& ops = program->blocks[0].ops;
  for (const int position : positions) {
    if (position < 0 || static_cast<size_t>(position) >= ops.size()) {
      Throw("InvalidArgument", "SetExcludedOpIds: there is no operator " +
                                   std::to_string(position) + " among the model's " +
                                   std::to_string(ops.size()));
    }
    for (const program::Argument& argument : ops[static_cast<size_t>(position)].inputs) {
      for (const std::string& name : argument.names) {
        if (program->params.contains(name)) names.push_back(name);
      }
    }
  }
  return names;
}

}  // namespace

program::Program QuantiseOnLoad(const ModelSource& source,
                                const paddle::MkldnnQuantizerConfig& config) {
  if (!config.warmup_data()) {
    Throw("PreconditionNotMet", "Warmup data cannot be NULL in the config.");
  }
  QuantizeOptions options;
  options.algo = CalibrationAlgorithm::kAbsMax;
  options.skip_tensor_list = ParametersOf(source, config.excluded_op_ids());
  Restrict(config, &options.quantizable_op_type);
  const TemporaryFolder folder;
  const std::shared_ptr<const std::vector<paddle::PaddleTensor>> tensors = config.warmup_data();
  WarmupData data(*tensors);
  const Result<QuantizeReport> report = Quantize(source, data, options, folder.path());
  if (!report.ok()) Throw(report.status().WithContext("EnableMkldnnQuantizer"));
  ModelSource quantised;
  quantised.model_file = folder.path() + "/" + options.model_filename;
  quantised.params_file = folder.path() + "/" + options.params_filename;
  Result<program::Program> program = session::ReadSource(quantised);
  if (!program.ok()) Throw(program.status());
  return *std::move(program);
}

}  // namespace skiff::api
