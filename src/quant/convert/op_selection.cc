#include "quant/convert/op_selection.h"

#include <algorithm>
#include <array>

namespace skiff::quant {
namespace {

constexpr std::array<std::string_view, 21> kSupported = {"concat",
                                                         "conv2d",
                                                         "conv2d_transpose",
                                                         "elementwise_add",
                                                         "elementwise_mul",
                                                         "fc",
                                                         "elementwise_sub",
                                                         "fusion_gru",
                                                         "fusion_lstm",
                                                         "gru",
                                                         "lstm",
                                                         "matmul",
                                                         "mul",
                                                         "multi_gru",
                                                         "nearest_interp",
                                                         "prior_box",
                                                         "pool2d",
                                                         "reshape",
                                                         "slice",
                                                         "split",
                                                         "transpose"};

// One name for all that Paddle calls the operator before and after its fusions and versions.
std::string Canonical(std::string_view type) {
  constexpr std::string_view kFused = "fused_";
  if (type.starts_with(kFused)) type.remove_prefix(kFused.size());
  if (type == "depthwise_conv2d") return "conv2d";
  if (type == "matmul_v2") return "matmul";
  if (type == "reshape2") return "reshape";
  if (type == "transpose2") return "transpose";
  if (type == "nearest_interp_v2") return "nearest_interp";
  return std::string(type);
}

bool IsProduct(std::string_view canonical) {
  return canonical == "fc" || canonical == "mul" || canonical == "matmul";
}

}  // namespace

Result<OpSelection> OpSelection::Make(const ConvertOptions& options) {
  OpSelection selection;
  for (const std::string& type : options.ops_to_quantize) {
    std::string canonical = Canonical(type);
    if (std::find(kSupported.begin(), kSupported.end(), canonical) == kSupported.end()) {
      return InvalidArgument("ops_to_quantize: operators of type " + type + " are never quantised");
    }
    selection.types_.insert(std::move(canonical));
  }
  selection.skip_.insert(options.op_ids_to_skip.begin(), options.op_ids_to_skip.end());
  return selection;
}

std::string OpSelection::WhyFloat(const program::OpDesc& op, int64_t id, bool times_constant) {
  found_.insert(id);
  if (skip_.contains(id)) return "op_ids_to_skip names it";
  const std::string type = Canonical(op.type);
  const bool listed =
      types_.contains(type) ||
      (times_constant && IsProduct(type) && std::any_of(types_.begin(), types_.end(), IsProduct));
  return types_.empty() || listed ? "" : "ops_to_quantize does not name " + op.type;
}

Status OpSelection::CheckAllFound() const {
  for (const int64_t id : skip_) {
    if (found_.contains(id)) continue;
    return InvalidArgument("op_ids_to_skip: operator " + std::to_string(id) +
                           " of the model is not quantised");
  }
  return OkStatus();
}

}  // namespace skiff::quant
