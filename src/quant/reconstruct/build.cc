#include "quant/reconstruct/build.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "program/attributes.h"
#include "quant/reconstruct/attributes.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using program::AttributeReader;
using program::OpDesc;

// A variable of the program on the tape: a value, perhaps seen under other extents.
struct Ref {
  int value = -1;
  Dims dims;
};

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
    const auto codes = static_cast<float>(range->second.codes);
    const float step = std::max(static_cast<float>(range->second.threshold), 1e-8F) / codes;
    const bool learn = learn_steps_ && OnlyReadHere(name);
    const int rounder = tape_.AddRounder({name, step, codes, learn});
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
    if (found == program_.params.end() || found->second.dtype != DType::kFloat32 ||
        !Dims::Fits(found->second.dims.size())) {
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
          MakeBroadcast(*dims, Dims((*bias)->dims), BroadcastAxis(op));
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

  // One sample of channels, height and width, and no alias of other extents.
  [[nodiscard]] bool IsPicture(const Ref& x) const {
    return x.dims.rank() == 4 && x.dims[0] == 1 && tape_.dims(x.value) == x.dims;
  }

  Status AddConvolution(size_t index, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, ReadRounded(index, op, "Input"));
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* filter, Parameter(op, "Filter"));
    SKIFF_ASSIGN_OR_RETURN(const WeightRef weight, Weight(index, op, "Filter"));
    if (!IsPicture(x)) return Unsupported("its input is " + x.dims.ToString());
    SKIFF_ASSIGN_OR_RETURN(const ConvolutionAttributes attributes,
                           ReadConvolution(op, x.dims, Dims(filter->dims)));
    const int64_t groups = attributes.groups;
    std::string output(OnlyName(op.outputs, "Output"));
    std::vector<float> bias = TakeBias(filter->dims[0], 1, weight.index >= 0, &output);
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(output));
    const int value = tape_.AddValue(dims);
    refs_[output] = {value, dims};
    const bool depthwise = groups > 1 && groups == x.dims[1] && filter->dims[0] == groups;
    tape_.AddNode(depthwise ? MakeDepthwise(weight, attributes.window, std::move(bias))
                            : MakeConvolution(weight, attributes.window, groups, std::move(bias)),
                  {x.value}, value, weight.index >= 0);
    return OkStatus();
  }

  Status AddProduct(size_t index, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, ReadRounded(index, op, "X"));
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor* right, Parameter(op, "Y"));
    SKIFF_ASSIGN_OR_RETURN(const WeightRef weight, Weight(index, op, "Y"));
    SKIFF_ASSIGN_OR_RETURN(const ProductAttributes attributes,
                           ReadProduct(op, x.dims, Dims(right->dims)));
    std::string output(OnlyName(op.outputs, "Out"));
    std::vector<float> bias = TakeBias(attributes.n, attributes.from, weight.index >= 0, &output);
    SKIFF_ASSIGN_OR_RETURN(const Dims dims, DimsOf(output));
    const int value = tape_.AddValue(dims);
    refs_[output] = {value, dims};
    tape_.AddNode(
        MakeProduct(weight, attributes.k, attributes.n, attributes.transposed, std::move(bias)),
        {x.value}, value, weight.index >= 0);
    return OkStatus();
  }

  Status AddActivation(size_t /*index*/, const OpDesc& op) {
    SKIFF_ASSIGN_OR_RETURN(const Ref x, Read(op, "X"));
    SKIFF_ASSIGN_OR_RETURN(const ActivationFunction f, ReadActivation(op));
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
    std::optional<Broadcast> broadcast = MakeBroadcast(x.dims, y.dims, BroadcastAxis(op));
    if (!broadcast && op.type != "elementwise_sub" && BroadcastAxis(op) == -1) {
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
        MakeBroadcast(x.dims, Dims(constant->dims), BroadcastAxis(op));
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
    SKIFF_ASSIGN_OR_RETURN(const PoolGeometry pool, ReadPool(op, x.dims));
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
