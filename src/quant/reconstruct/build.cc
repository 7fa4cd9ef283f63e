#include "quant/reconstruct/build.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "ops/window_attributes.h"
#include "program/attributes.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using Kind = ActivationFunction::Kind;
using program::AttributeReader;
using program::OpDesc;

// A variable of the program on the tape: a value, perhaps seen under other extents.
struct Ref {
  int value = -1;
  Dims dims;
};

// Every element j of `small` meets [outer, j, inner] of `large`; axis -1: their last extents meet.
std::optional<Broadcast> MakeBroadcast(const Dims& large, const Dims& small, int64_t axis) {
  const int start = static_cast<int>(axis < 0 ? large.rank() - small.rank() : axis);
  int begin = 0;
  int end = small.rank();
  while (begin < end && small[begin] == 1) ++begin;
  while (end > begin && small[end - 1] == 1) --end;
  if (start < 0 || start + end > large.rank()) return std::nullopt;
  for (int i = begin; i < end; ++i) {
    if (large[start + i] != small[i]) return std::nullopt;
  }
  return Broadcast{large.Product(0, start + begin), small.Product(begin, end),
                   large.Product(start + end, large.rank())};
}

class TapeBuilder {
 public:
  TapeBuilder(const program::Program& program, const Quantized& quantized, const Block& block,
              const SampleDims& dims, bool learn_steps)
      : program_(program),
        quantized_(quantized),
        block_(block),
        dims_(dims),
        learn_steps_(learn_steps),
        by_op_(QuantizedByOp(quantized.layers)) {
    for (const OpDesc& op : program.blocks[0].ops) {
      for (const program::Argument& argument : op.inputs) {
        for (const std::string& name : argument.names) ++readers_[name];
      }
    }
  }

  Result<Tape> Run() {
    SKIFF_ASSIGN_OR_RETURN(const Dims input, DimsOf(block_.input));
    refs_[block_.input] = {tape_.AddValue(input), input};
    for (size_t i = 0; i < block_.ops.size(); ++i) {
      const OpDesc& op = program_.blocks[0].ops[block_.ops[i]];
      // A bias that its layer has taken up already.
      if (taken_.contains(block_.ops[i])) continue;
      SKIFF_RETURN_IF_ERROR(
          Add(block_.ops[i], op)
              .WithContext("operator " + std::to_string(block_.ops[i]) + " (" + op.type + ")"));
    }
    const auto output = refs_.find(block_.output);
    if (output == refs_.end()) return Unsupported("nothing computes " + block_.output);
    tape_.Finish(output->second.value);
    return std::move(tape_);
  }

 private:
  Status Add(size_t index, const OpDesc& op) {
    using Method = Status (TapeBuilder::*)(size_t, const OpDesc&);
    struct Row {
      std::string_view type;
      Method method;
    };
    static constexpr std::array<Row, 29> kRows = {{
        {"conv2d", &TapeBuilder::AddConvolution},
        {"depthwise_conv2d", &TapeBuilder::AddConvolution},
        {"mul", &TapeBuilder::AddProduct},
        {"matmul", &TapeBuilder::AddProduct},
        {"matmul_v2", &TapeBuilder::AddProduct},
        {"relu", &TapeBuilder::AddActivation},
        {"relu6", &TapeBuilder::AddActivation},
        {"leaky_relu", &TapeBuilder::AddActivation},
        {"hard_swish", &TapeBuilder::AddActivation},
        {"hard_sigmoid", &TapeBuilder::AddActivation},
        {"sigmoid", &TapeBuilder::AddActivation},
        {"swish", &TapeBuilder::AddActivation},
        {"tanh", &TapeBuilder::AddActivation},
        {"scale", &TapeBuilder::AddActivation},
        {"batch_norm", &TapeBuilder::AddBatchNorm},
        {"elementwise_add", &TapeBuilder::AddBinary},
        {"elementwise_sub", &TapeBuilder::AddBinary},
        {"elementwise_mul", &TapeBuilder::AddBinary},
        {"pool2d", &TapeBuilder::AddPool},
        {"reshape", &TapeBuilder::AddAlias},
        {"reshape2", &TapeBuilder::AddAlias},
        {"flatten", &TapeBuilder::AddAlias},
        {"flatten2", &TapeBuilder::AddAlias},
        {"flatten_contiguous_range", &TapeBuilder::AddAlias},
        {"squeeze", &TapeBuilder::AddAlias},
        {"squeeze2", &TapeBuilder::AddAlias},
        {"unsqueeze", &TapeBuilder::AddAlias},
        {"unsqueeze2", &TapeBuilder::AddAlias},
        {"assign", &TapeBuilder::AddAlias},
    }};
    const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                   [&](const Row& candidate) { return candidate.type == op.type; });
    if (row == kRows.end()) return Unsupported("no gradient is known");
    return (this->*row->method)(index, op);
  }

  [[nodiscard]] Result<Dims> DimsOf(const std::string& name) const {
    const auto found = dims_.find(name);
    if (found == dims_.end()) return Unsupported("the extents of " + name + " are not known");
    return found->second;
  }

  [[nodiscard]] Result<Ref> Read(const OpDesc& op, std::string_view slot) const {
    const std::string name(OnlyName(op.inputs, slot));
    const auto found = refs_.find(name);
    if (found == refs_.end()) return Unsupported(name + " comes from outside the block");
    return found->second;
  }

  // A new value for what the operator writes.
  Result<int> Write(const OpDesc& op, std::string_view slot) {
    const std::string name(OnlyName(op.outputs, slot));
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(name));
    const int value = tape_.AddValue(dims);
    refs_[name] = {value, dims};
    return value;
  }

  // What a layer reads: its activation, rounded where the layer is quantised.
  Result<Ref> ReadRounded(size_t index, const OpDesc& op, std::string_view slot) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, slot));
    if (!by_op_.contains(index)) return x;
    const std::string name(OnlyName(op.inputs, slot));
    const auto known = rounded_.find(name);
    if (known != rounded_.end()) return known->second;
    const auto range = quantized_.ranges.find(name);
    if (range == quantized_.ranges.end()) return Unsupported(name + " has no range");
    const float step = std::max(static_cast<float>(range->second.threshold), 1e-8F) / 127;
    const bool learn = learn_steps_ && OnlyReadHere(name);
    const int rounder = tape_.AddRounder(name, step, learn);
    const Ref rounded{tape_.AddValue(tape_.dims(x.value)), x.dims};
    tape_.AddNode(MakeRounding(rounder), {x.value}, rounded.value, learn);
    rounded_[name] = rounded;
    return rounded;
  }

  // Do all quantised layers that read the activation belong to this block?
  [[nodiscard]] bool OnlyReadHere(const std::string& activation) const {
    return std::all_of(by_op_.begin(), by_op_.end(), [&](const auto& row) {
      return row.second->activation != activation ||
             std::find(block_.ops.begin(), block_.ops.end(), row.first) != block_.ops.end();
    });
  }

  Result<const program::Tensor*> Parameter(const OpDesc& op, std::string_view slot) const {
    const std::string name(OnlyName(op.inputs, slot));
    const auto found = program_.params.find(name);
    if (found == program_.params.end() || found->second.dtype != DType::kFloat32) {
      return Unsupported(std::string(slot) + " " + name + " is no float32 parameter");
    }
    return &found->second;
  }

  Result<WeightRef> Weight(size_t index, const OpDesc& op, std::string_view slot) {
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* tensor, Parameter(op, slot));
    const std::span<const float> values = tensor->As<float>();
    WeightRef ref;
    if (by_op_.contains(index)) {
      ref.index =
          tape_.AddWeight(std::string(OnlyName(op.inputs, slot)), values.data(), values.size());
    } else {
      ref.constant = values.data();
    }
    return ref;
  }

  // The bias that the only reader of a layer's output adds to it, one value for each channel; that
  // operator is then part of the layer, and `output` becomes what it writes.
  std::vector<float> TakeBias(int64_t channels, int64_t axis, bool quantized, std::string* output) {
    if (readers_[*output] != 1) return {};
    for (const size_t i : block_.ops) {
      const OpDesc& op = program_.blocks[0].ops[i];
      if (op.type != "elementwise_add" || OnlyName(op.inputs, "X") != *output) continue;
      const std::string name(OnlyName(op.inputs, "Y"));
      const Result<const program::Tensor*> bias = Parameter(op, "Y");
      const Result<Dims> dims = DimsOf(*output);
      if (!bias.ok() || !dims.ok()) return {};
      const std::optional<Broadcast> broadcast =
          MakeBroadcast(*dims, Dims((*bias)->dims), Axis(op));
      if (!broadcast || broadcast->count != channels ||
          broadcast->outer != dims->Product(0, static_cast<int>(axis))) {
        return {};
      }
      taken_.insert(i);
      *output = OnlyName(op.outputs, "Out");
      const auto corrected = quantized_.biases.find(name);
      if (quantized && corrected != quantized_.biases.end()) return corrected->second;
      const std::span<const float> values = (*bias)->As<float>();
      return {values.begin(), values.end()};
    }
    return {};
  }

  static int64_t Axis(const OpDesc& op) { return AttributeReader(op.attributes).Int("axis", -1); }

  // One sample of channels, height and width, and no alias of other extents.
  [[nodiscard]] bool IsPicture(const Ref& x) const {
    return x.dims.rank() == 4 && x.dims[0] == 1 && tape_.dims(x.value) == x.dims;
  }

  Status AddConvolution(size_t index, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, ReadRounded(index, op, "Input"));
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* filter, Parameter(op, "Filter"));
    SKIFF_ASSIGN_OR_RETURN(const WeightRef weight, Weight(index, op, "Filter"));
    AttributeReader attributes(op.attributes);
    WindowGeometry window;
    SKIFF_ASSIGN_OR_RETURN(window.stride, ops::ReadPair(attributes, "strides", 1, 1));
    SKIFF_ASSIGN_OR_RETURN(window.dilation, ops::ReadPair(attributes, "dilations", 1, 1));
    SKIFF_ASSIGN_OR_RETURN(const ops::Padding padding, ops::ReadPadding(attributes));
    const int64_t groups = attributes.Int("groups", 1);
    const std::string fused = attributes.String("fuse_activation", "");
    SKIFF_RETURN_IF_ERROR(ops::RequireChannelsFirst(attributes));
    const bool plain = IsPicture(x) && filter->dims.size() == 4;
    const bool slots = OnlyName(op.inputs, "Bias").empty() &&
                       OnlyName(op.inputs, "ResidualData").empty() && fused.empty();
    if (!plain || !slots) return Unsupported("a fused convolution, or one that is not 2-D");
    window.kernel = {filter->dims[2], filter->dims[3]};
    SetPadding(padding, x.dims, &window);
    std::string output(OnlyName(op.outputs, "Output"));
    std::vector<float> bias = TakeBias(filter->dims[0], 1, weight.index >= 0, &output);
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(output));
    const int value = tape_.AddValue(dims);
    refs_[output] = {value, dims};
    const bool depthwise = groups > 1 && groups == x.dims[1] && filter->dims[0] == groups;
    tape_.AddNode(depthwise ? MakeDepthwise(weight, window, std::move(bias))
                            : MakeConvolution(weight, window, groups, std::move(bias)),
                  {x.value}, value, weight.index >= 0);
    return OkStatus();
  }

  static void SetPadding(const ops::Padding& padding, const Dims& x, WindowGeometry* window) {
    for (size_t i = 0; i < 2; ++i) {
      const steps::WindowAxis axis = steps::ResolveWindow(
          padding.rule, x[static_cast<int>(i) + 2], window->kernel[i], window->stride[i],
          {padding.pads[2 * i], padding.pads[2 * i + 1], window->dilation[i]});
      window->before[i] = axis.before;
      window->after[i] = axis.after;
      window->dilation[i] = axis.dilation;
    }
  }

  Status AddProduct(size_t index, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, ReadRounded(index, op, "X"));
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* right, Parameter(op, "Y"));
    SKIFF_ASSIGN_OR_RETURN(const WeightRef weight, Weight(index, op, "Y"));
    AttributeReader attributes(op.attributes);
    const bool left = attributes.Bool("transpose_X", false) || attributes.Bool("trans_x", false);
    const bool transposed =
        attributes.Bool("transpose_Y", false) || attributes.Bool("trans_y", false);
    const bool scaled = attributes.Float("alpha", 1) != 1;
    const int64_t columns = attributes.Int("x_num_col_dims", 1);
    SKIFF_RETURN_IF_ERROR(attributes.status());
    if (right->dims.size() != 2 || left || scaled || attributes.Int("y_num_col_dims", 1) != 1) {
      return Unsupported("a product that is no plain matrix product");
    }
    const int64_t k = right->dims[transposed ? 1 : 0];
    const int64_t n = right->dims[transposed ? 0 : 1];
    const int from = op.type == "mul" ? static_cast<int>(columns) : x.dims.rank() - 1;
    if (from < 1 || from > x.dims.rank() || x.dims.Product(from, x.dims.rank()) != k) {
      return Unsupported("its left operand is " + x.dims.ToString());
    }
    std::string output(OnlyName(op.outputs, "Out"));
    std::vector<float> bias = TakeBias(n, from, weight.index >= 0, &output);
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(output));
    const int value = tape_.AddValue(dims);
    refs_[output] = {value, dims};
    tape_.AddNode(MakeProduct(weight, k, n, transposed, std::move(bias)), {x.value}, value,
                  weight.index >= 0);
    return OkStatus();
  }

  Status AddActivation(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    AttributeReader a(op.attributes);
    ActivationFunction f;
    if (op.type == "relu") f = {Kind::kLeaky, 0};
    if (op.type == "relu6") f = {Kind::kClip, 0, 6};
    if (op.type == "leaky_relu") f = {Kind::kLeaky, a.Float("alpha", 0.02F)};
    if (op.type == "hard_swish") f = {Kind::kHardSwish, 3, 6, 6};
    if (op.type == "hard_sigmoid") {
      f = {Kind::kHardSigmoid, a.Float("slope", 0.2F), a.Float("offset", 0.5F)};
    }
    if (op.type == "sigmoid") f = {Kind::kSigmoid};
    if (op.type == "swish") f = {Kind::kSwish, 1};
    if (op.type == "tanh") f = {Kind::kTanh};
    if (op.type == "scale") {
      if (!OnlyName(op.inputs, "ScaleTensor").empty()) return Unsupported("slot ScaleTensor");
      f = {Kind::kAffine, a.Float("scale", 1), a.Float("bias", 0)};
      if (!a.Bool("bias_after_scale", true)) f.b *= f.a;
    }
    SKIFF_RETURN_IF_ERROR(a.status());
    SKIFF_ASSIGN_OR_RETURN(const int y, Write(op, "Out"));
    tape_.AddNode(MakeActivation(f), {x.value}, y, false);
    return OkStatus();
  }

  Status AddBatchNorm(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    AttributeReader attributes(op.attributes);
    const double epsilon = attributes.Float("epsilon", 1e-5F);
    const std::string layout = attributes.String("data_layout", "NCHW");
    std::array<std::span<const float>, 4> p;
    constexpr std::array<std::string_view, 4> kSlots = {"Scale", "Bias", "Mean", "Variance"};
    for (size_t i = 0; i < p.size(); ++i) {
      SKIFF_ASSIGN_OR_RETURN(const program::Tensor* tensor, Parameter(op, kSlots[i]));
      p[i] = tensor->As<float>();
    }
    const std::optional<Broadcast> channels =
        MakeBroadcast(x.dims, Dims{static_cast<int64_t>(p[0].size())}, 1);
    if (!channels || layout.back() == 'C') return Unsupported("its channels are not axis 1");
    std::vector<float> factor;
    std::vector<float> term;
    for (size_t c = 0; c < p[0].size(); ++c) {
      const double f = p[0][c] / std::sqrt(p[3][c] + epsilon);
      factor.push_back(static_cast<float>(f));
      term.push_back(static_cast<float>(p[1][c] - p[2][c] * f));
    }
    SKIFF_ASSIGN_OR_RETURN(const int y, Write(op, "Y"));
    tape_.AddNode(MakeChannelAffine(*channels, std::move(factor), std::move(term)), {x.value}, y,
                  false);
    return OkStatus();
  }

  Status AddBinary(size_t index, const OpDesc& op) {
    if (program_.params.contains(std::string(OnlyName(op.inputs, "Y")))) {
      return AddConstantOperand(index, op);
    }
    SKIFF_ASSIGN_OR_RETURN(Ref x, Read(op, "X"));
    SKIFF_ASSIGN_OR_RETURN(Ref y, Read(op, "Y"));
    std::optional<Broadcast> broadcast = MakeBroadcast(x.dims, y.dims, Axis(op));
    if (!broadcast && op.type != "elementwise_sub" && Axis(op) == -1) {
      std::swap(x, y);
      broadcast = MakeBroadcast(x.dims, y.dims, -1);
    }
    if (!broadcast) {
      return Unsupported("operands of " + x.dims.ToString() + " and " + y.dims.ToString());
    }
    SKIFF_ASSIGN_OR_RETURN(const int z, Write(op, "Out"));
    const BinaryKind kind = op.type == "elementwise_add"   ? BinaryKind::kAdd
                            : op.type == "elementwise_sub" ? BinaryKind::kSubtract
                                                           : BinaryKind::kMultiply;
    tape_.AddNode(MakeBinary(kind, *broadcast), {x.value, y.value}, z, false);
    return OkStatus();
  }

  Status AddConstantOperand(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* constant, Parameter(op, "Y"));
    const std::optional<Broadcast> broadcast =
        MakeBroadcast(x.dims, Dims(constant->dims), Axis(op));
    if (!broadcast) return Unsupported("a constant that does not lie along the left operand");
    const std::span<const float> values = constant->As<float>();
    std::vector<float> factor(values.size(), 1.0F);
    std::vector<float> term(values.size(), 0.0F);
    for (size_t j = 0; j < values.size(); ++j) {
      if (op.type == "elementwise_mul") factor[j] = values[j];
      if (op.type == "elementwise_add") term[j] = values[j];
      if (op.type == "elementwise_sub") term[j] = -values[j];
    }
    SKIFF_ASSIGN_OR_RETURN(const int y, Write(op, "Out"));
    tape_.AddNode(MakeChannelAffine(*broadcast, std::move(factor), std::move(term)), {x.value}, y,
                  false);
    return OkStatus();
  }

  Status AddPool(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    if (!IsPicture(x)) return Unsupported("its input is not 4-D");
    AttributeReader attributes(op.attributes);
    PoolGeometry pool;
    pool.average = attributes.String("pooling_type", "") == "avg";
    pool.exclusive = attributes.Bool("exclusive", true);
    pool.adaptive = attributes.Bool("adaptive", false) || attributes.Bool("global_pooling", false);
    SKIFF_RETURN_IF_ERROR(ops::RequireChannelsFirst(attributes));
    if (!pool.adaptive) {
      SKIFF_ASSIGN_OR_RETURN(pool.window.kernel, ops::ReadPair(attributes, "ksize", 1, 1));
      SKIFF_ASSIGN_OR_RETURN(pool.window.stride, ops::ReadPair(attributes, "strides", 1, 1));
      SKIFF_ASSIGN_OR_RETURN(const ops::Padding padding, ops::ReadPadding(attributes));
      SetPadding(padding, x.dims, &pool.window);
    }
    SKIFF_ASSIGN_OR_RETURN(const int y, Write(op, "Out"));
    tape_.AddNode(MakePool(pool), {x.value}, y, false);
    return OkStatus();
  }

  // The same elements under other extents.
  Status AddAlias(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    const std::string name(OnlyName(op.outputs, "Out"));
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(name));
    if (dims.Numel() != x.dims.Numel()) return Unsupported("its samples are not apart");
    refs_[name] = {x.value, dims};
    return OkStatus();
  }

  const program::Program& program_;
  const Quantized& quantized_;
  const Block& block_;
  const SampleDims& dims_;
  bool learn_steps_;
  std::map<size_t, const Layer*> by_op_;
  std::map<std::string, int> readers_;
  std::map<std::string, Ref> refs_;
  std::map<std::string, Ref> rounded_;
  std::set<size_t> taken_;  // operators that a layer has taken up
  Tape tape_;
};

}  // namespace

Result<Tape> BuildTape(const program::Program& program, const Quantized& quantized,
                       const Block& block, const SampleDims& dims, bool learn_steps) {
  return TapeBuilder(program, quantized, block, dims, learn_steps).Run();
}

}  // namespace skiff::quant
