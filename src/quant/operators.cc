#include "quant/operators.h"

#include <algorithm>
#include <array>

namespace skiff::quant {
namespace {

constexpr std::array<WeightSlots, 6> kWeightOps = {{
    {"conv2d", "Input", "Filter", "Output"},
    {"depthwise_conv2d", "Input", "Filter", "Output"},
    {"conv2d_transpose", "Input", "Filter", "Output"},
    {"mul", "X", "Y", "Out"},
    {"matmul", "X", "Y", "Out"},
    {"matmul_v2", "X", "Y", "Out"},
}};

struct Observed {
  std::string_view type;
  std::string_view slot = "Out";
};

constexpr std::array<Observed, 57> kObserved = {{
    {"conv2d", "Output"},
    {"depthwise_conv2d", "Output"},
    {"conv2d_transpose", "Output"},
    {"mul"},
    {"matmul"},
    {"matmul_v2"},
    {"pool2d"},
    {"elementwise_add"},
    {"elementwise_sub"},
    {"elementwise_mul"},
    {"elementwise_pow"},
    {"concat"},
    {"softmax"},
    {"transpose"},
    {"transpose2"},
    {"reshape"},
    {"reshape2"},
    {"gather"},
    {"mean"},
    {"bilinear_interp"},
    {"bilinear_interp_v2"},
    {"nearest_interp"},
    {"nearest_interp_v2"},
    {"slice"},
    {"squeeze"},
    {"squeeze2"},
    {"unsqueeze2"},
    {"relu"},
    {"relu6"},
    {"leaky_relu"},
    {"prelu"},
    {"tanh"},
    {"swish"},
    {"dropout"},
    {"batch_norm", "Y"},
    {"layer_norm", "Y"},
    {"sigmoid"},
    {"hard_swish"},
    {"hard_sigmoid"},
    {"pad2d"},
    {"pad3d"},
    {"flatten"},
    {"flatten2"},
    {"flatten_contiguous_range"},
    {"abs"},
    {"clip"},
    {"expand_v2"},
    {"gelu"},
    {"pow"},
    {"reduce_mean"},
    {"reduce_sum"},
    {"reduce_max"},
    {"tile"},
    {"square"},
    {"softplus"},
    {"shuffle_channel"},
    {"scale"},
}};

bool Flag(const program::OpDesc& op, std::string_view name) {
  const program::Attribute* attribute = program::FindAttribute(op.attributes, name);
  const bool* value = attribute ? std::get_if<bool>(&attribute->value) : nullptr;
  return value != nullptr && *value;
}

}  // namespace

const WeightSlots* FindWeightSlots(std::string_view type) {
  const auto* it = std::find_if(kWeightOps.begin(), kWeightOps.end(),
                                [&](const WeightSlots& row) { return row.type == type; });
  return it == kWeightOps.end() ? nullptr : &*it;
}

int WeightAxis(const program::OpDesc& op) {
  if (op.type == "conv2d" || op.type == "depthwise_conv2d") return 0;
  return Flag(op, "trans_y") || Flag(op, "transpose_Y") ? 0 : 1;
}

// Every value of the output, or for a transposed convolution of the input, meets one weight of each
// of its products.
double MultiplyAdds(const program::OpDesc& op, const std::vector<int64_t>& weight, double input,
                    double output) {
  const auto extent = [&](size_t d) {
    return d < weight.size() ? static_cast<double>(weight[d]) : 1;
  };
  const double kernel = extent(2) * extent(3);
  if (op.type == "conv2d_transpose") return input * extent(1) * kernel;
  if (op.type.ends_with("conv2d")) return output * extent(1) * kernel;
  return output * extent(WeightAxis(op) == 0 ? 1 : 0);
}

std::string_view ObservedSlot(std::string_view type) {
  const auto* it = std::find_if(kObserved.begin(), kObserved.end(),
                                [&](const Observed& row) { return row.type == type; });
  return it == kObserved.end() ? std::string_view() : it->slot;
}

std::string_view OnlyName(const std::vector<program::Argument>& arguments, std::string_view slot) {
  const program::Argument* argument = program::FindArgument(arguments, slot);
  if (argument == nullptr || argument->names.size() != 1) return {};
  return argument->names[0];
}

}  // namespace skiff::quant
