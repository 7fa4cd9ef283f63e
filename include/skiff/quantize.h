// Quantize: post-training quantisation. A float model and calibration data in, a quantised model in
// Paddle's own format out.
//
// The arguments are those of PaddleSlim's quant_post_static, under its names where they have one.
// A threshold is the absolute value that stands for code 127; the step of a grid is threshold /
// 127. Thread-safety: distinct calls may run in distinct threads. Ownership: the caller's data and
// options must live during the call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skiff/export.h"
#include "skiff/quantize_report.h"
#include "skiff/session_types.h"
#include "skiff/status.h"

namespace skiff {

// How an activation's threshold follows from the values seen in calibration.
enum class CalibrationAlgorithm {
  kAbsMax,       // the largest |x|
  kAvg,          // the mean over batches of the mean of the samples' largest |x|
  kHist,         // the |x| below which lie hist_percent of all values
  kKl,           // the range whose 127 levels lose the least information
  kMse,          // the least mean square error, of 35 shares of a batch's largest |x|
  kEmd,          // the same by the difference of means and standard deviations
  kPtf,          // the largest |x| over 1, 2, 4 or 8, by the least mean square error
  kMinMax,       // the largest |x|; what is written is the least and the largest value, as
                 // attributes of a float model (R6 of docs/formats.md)
  kOutputError,  // the share of the largest |x| that changes the outputs of the tensor's readers
                 // least (Skiff's own; what no layer reads gets kHist)
};
SKIFF_API std::string_view Name(
    CalibrationAlgorithm algorithm);  // as Paddle spells it: "KL", "abs_max"
SKIFF_API Result<CalibrationAlgorithm> ParseCalibrationAlgorithm(std::string_view name);

// The data, batch by batch; read several times.
class CalibrationData {
 public:
  virtual ~CalibrationData() = default;
  [[nodiscard]] virtual int64_t batches() const = 0;
  // One tensor for each input of the model, in its order; valid until the next call.
  virtual Result<std::vector<TensorView>> Batch(int64_t index) = 0;
  // A text that is the same only for the same data; empty: nothing may be cached.
  virtual Result<std::string> Fingerprint() { return std::string(); }
};

// Data whose labels are known: the index of each sample's score, batch after batch. Batches are of
// one size.
struct LabelledData {
  CalibrationData* data = nullptr;
  std::vector<int64_t> labels;
};

// How much is measured of a model after it was quantised.
enum class ReportDetail {
  kNone,
  kOutput,  // the output against the float model's: whether the model is fit for use
  kLayers,  // and every layer: ranges, errors, times
};

// How weights become integers.
enum class RoundType {
  kNearest,
  kGram,  // so that the layer's outputs change least, from the Gram matrix of its rounded inputs
  kAdaround,  // the same by gradient descent, layer by layer
};
SKIFF_API std::string_view Name(RoundType type);  // "round", "gram", "adaround"
SKIFF_API Result<RoundType> ParseRoundType(std::string_view name);

// Activations that cannot be negative with codes 0..255 instead of 0..127, half the step. Skiff
// reads that from the file; Paddle does not see it and keeps to 0..127. onnx_format alone can say
// it: in other files kDepthwise is as kNone and kAll an error.
enum class FullRange {
  kNone,
  kDepthwise,  // what depthwise convolutions alone read: their kernels take them at no cost
  kAll,        // costs time on CPUs without VNNI
};
SKIFF_API std::string_view Name(FullRange range);  // "none", "depthwise", "all"
SKIFF_API Result<FullRange> ParseFullRange(std::string_view name);

struct QuantizeOptions {
  CalibrationAlgorithm algo = CalibrationAlgorithm::kHist;
  double hist_percent = 0.9999;
  RoundType round_type = RoundType::kNearest;
  // Channels that share a grid get like ranges first, by scaling weights (the model computes the
  // same).
  bool equalize = false;
  // The mean of each output channel is put right through the bias or batch norm behind the layer.
  bool bias_correction = false;
  // Rounding and ranges are trained block by block against the float model (BRECQ, QDrop).
  bool reconstruct = false;
  // Of that training, or of adaround's, for each block; 0: 100 to 500, by the size of the network.
  int iterations = 0;
  // Operators whose constant weight, and the activation that meets it, are quantised.
  std::vector<std::string> quantizable_op_type = {"conv2d", "depthwise_conv2d", "conv2d_transpose",
                                                  "mul",    "matmul",           "matmul_v2"};
  // What the operators without a weight read is rounded too.
  bool is_full_quantize = false;
  // An operator that reads or writes one of these variables stays float.
  std::vector<std::string> skip_tensor_list;
  // The members of each list get the largest threshold of all. "name#*#k" counts with k times its
  // own and gets a k-th of the largest, "name#/#k" the reverse.
  std::vector<std::vector<std::string>> same_scale_tensor_list;
  FullRange full_range = FullRange::kNone;
  int weight_bits = 8;  // 8 is all that the kernels compute with
  int activation_bits = 8;
  bool weight_per_channel = true;  // channel_wise_abs_max; false: abs_max
  // The operator that old-format files carry in front of a quantised one.
  std::string activation_quantize_type = "range_abs_max";
  bool optimize_model = false;  // batch norms become part of the convolutions in front of them
  bool onnx_format = true;  // quantize_linear and int8 weights; false: fake_quantize_* operators
  std::string model_filename = "model.pdmodel";
  std::string params_filename = "model.pdiparams";
  int threads = 1;
  size_t memory_limit = size_t{4} << 30;  // bytes of activations of one batch
  // Layers that INT8 makes slower stay float, as a model of costs predicts that follows from the
  // program alone, whatever the machine. Not in a model where that would leave none.
  bool int8_must_pay = false;
  // No more batches are read once no range moved by more than this share over 16 of them; 0: all
  // are read, as Paddle does.
  double stable_share = 0;
  // Where what calibration found out is kept, for a second run over the same model and data, or one
  // after a kill; at most 2 GiB, the oldest go first. Empty: nowhere.
  std::string cache_dir;
  ReportDetail report = ReportDetail::kOutput;
  bool sensitivity = false;  // measure what each layer's rounding costs the output
  // Where top-1 is measured; must live during the call. Null: nowhere.
  const LabelledData* evaluation = nullptr;
  // The fewest layers stay float with which top-1 on the even batches of `evaluation` drops by at
  // most so many points; reported is the drop on the odd ones.
  std::optional<double> max_drop;
  // Asked between batches, layers and steps of training, by the thread that called: an error ends
  // the call with it. The cache then has what is needed to go on. Null: never.
  std::function<Status()> go_on;
};

// How much is done for accuracy: values of QuantizeOptions that go together.
enum class Recipe {
  kPlain,    // what PaddleSlim's quant_post_static does; in the others int8_must_pay
  kFast,     // equalised, and the means of the outputs put right
  kDefault,  // equalised, ranges by the error of the outputs, weights rounded together, means put
             // right: minutes
  kBest,     // and blocks reconstructed: tens of minutes
};
SKIFF_API std::string_view Name(Recipe recipe);  // "plain", "fast", "default", "best"
SKIFF_API Result<Recipe> ParseRecipe(std::string_view name);
// Sets what the recipe says and leaves the rest.
SKIFF_API void ApplyRecipe(Recipe recipe, QuantizeOptions* options);

// `stage` is what is being done, `done` of `total` parts of it.
using QuantizeProgress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

// Quantises the model of `source` and writes it, with a calibration_table.txt, into the folder
// `out`, made if need be. Errors name the operator, variable or file; nothing is written then.
SKIFF_API Result<QuantizeReport> Quantize(const ModelSource& source, CalibrationData& data,
                                          const QuantizeOptions& options, const std::string& out,
                                          const QuantizeProgress& progress = {});

}  // namespace skiff
