#include "ops/matmul/matmul.h"

#include <vector>

#include "onednn/isa_cap.h"
#include "ops/grids.h"
#include "ops/op_def.h"
#include "ops/op_support.h"
#include "steps/int8_fc.h"
#include "steps/int8_matmul.h"

namespace skiff::ops {
namespace {

using graph::Value;
using steps::MatmulSpec;

// oneDNN programs of Paddle fold reshapes and transposes into the product.
Status RefuseFusedShapes(program::AttributeReader& attributes) {
  for (const char* name : {"fused_reshape_X", "fused_reshape_Y", "fused_reshape_Out",
                           "fused_transpose_X", "fused_transpose_Y", "fused_transpose_Out"}) {
    if (!attributes.Ints(name, {}).empty()) {
      return Unsupported(std::string(name) + "; use the model before Paddle's oneDNN passes");
    }
  }
  return attributes.status();
}

Status ReadMul(program::AttributeReader& attributes, const char* x_cols, MatmulSpec* spec) {
  spec->form = MatmulSpec::Form::kMul;
  const int64_t x = attributes.Int(x_cols, 1);
  const int64_t y = attributes.Int("y_num_col_dims", 1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (x < 1 || y < 1 || x >= Dims::kMaxRank || y >= Dims::kMaxRank) {
    return InvalidArgument(std::string(x_cols) + " " + std::to_string(x) + ", y_num_col_dims " +
                           std::to_string(y));
  }
  spec->x_num_col_dims = static_cast<int>(x);
  spec->y_num_col_dims = static_cast<int>(y);
  return OkStatus();
}

Status ReadFc(program::AttributeReader& attributes, MatmulAttrs* attrs) {
  SKIFF_RETURN_IF_ERROR(ReadMul(attributes, "in_num_col_dims", &attrs->product));
  if (attributes.Bool("padding_weights", false)) {
    return Unsupported("padding_weights; use the model before Paddle's passes");
  }
  SKIFF_ASSIGN_OR_RETURN(attrs->activation,
                         MakeFusedActivation(attributes.String("activation_type", ""), 0, 0));
  return attributes.status();
}

Status ReadMatmul(program::AttributeReader& attributes, MatmulSpec* spec) {
  spec->form = MatmulSpec::Form::kMatmul;
  spec->transpose_x = attributes.Bool("transpose_X", false);
  spec->transpose_y = attributes.Bool("transpose_Y", false);
  spec->alpha = attributes.Float("alpha", 1);
  if (attributes.Int("head_number", 1) != 1) return Unsupported("head_number other than 1");
  return RefuseFusedShapes(attributes);
}

// Type and size of an fc's parameters as far as they are known.
Status CheckFc(const graph::Node& node) {
  const Value* w = node.In("W");
  const Value* bias = node.In("Bias");
  if (w->constant && w->constant->dims.size() != 2) {
    return InvalidArgument("weight " + w->name + " has " +
                           std::to_string(w->constant->dims.size()) + " extents instead of 2");
  }
  if (bias == nullptr || !bias->constant || !w->constant) return OkStatus();
  if (bias->constant->dtype != DType::kFloat32 ||
      static_cast<int64_t>(bias->constant->As<float>().size()) != w->constant->dims[1]) {
    return InvalidArgument("bias " + bias->name + " is not one float32 per column of " + w->name);
  }
  return OkStatus();
}

Status Check(const graph::Graph& /*graph*/, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {LeftSlot(node), RightSlot(node)}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(ParseMatmul(node).status());
  return node.type == "fc" ? CheckFc(node) : OkStatus();
}

// The product as a fully connected layer: its weights, and where they split into K and N.
bool IsFullyConnected(const graph::Node& node, const MatmulSpec& product) {
  const Value& right = *node.In(RightSlot(node));
  if (!right.constant || product.alpha != 1) return false;
  const auto rank = static_cast<int>(right.constant->dims.size());
  if (product.form == MatmulSpec::Form::kMul) return rank > product.y_num_col_dims;
  return rank == 2 && !product.transpose_x;
}

std::vector<float> BiasOf(const graph::Node& node) {
  const Value* bias = node.In("Bias");
  if (bias == nullptr) return {};
  const std::span<const float> data = bias->constant->As<float>();
  return {data.begin(), data.end()};
}

std::unique_ptr<steps::Step> FullyConnectedStep(const graph::Node& node, const MatmulAttrs& attrs) {
  const Value& weights = *node.In(RightSlot(node));
  const Dims dims(std::span<const int64_t>(weights.constant->dims));
  const MatmulSpec& product = attrs.product;
  const bool mul = product.form == MatmulSpec::Form::kMul;
  const int split = mul ? product.y_num_col_dims : 1;
  steps::FloatFcSpec spec;
  spec.transposed = !mul && product.transpose_y;
  spec.k = spec.transposed ? dims[1] : dims.Product(0, split);
  spec.n = spec.transposed ? dims[0] : dims.Product(split, dims.rank());
  spec.weights = weights.constant->As<float>().data();
  spec.weights_owner = weights.constant;
  spec.bias = BiasOf(node);
  spec.epilogue.activation = attrs.activation.kind;
  spec.epilogue.alpha = attrs.activation.alpha;
  spec.epilogue.beta = attrs.activation.beta;
  spec.storages = {StorageOf(*node.In(LeftSlot(node))), StorageOf(*node.Out("Out"))};
  spec.in_num_col_dims = mul ? product.x_num_col_dims : -1;
  if (mul) {
    for (int i = split; i < dims.rank(); ++i) spec.out_tail.push_back(dims[i]);
  }
  return steps::MakeOnednnFc(std::move(spec));
}

// The weights as [K, N]: products that ask for the transpose hold them the other way round.
std::vector<int8_t> RowsOfK(const Value& weights, const MatmulSpec& product, int64_t k, int64_t n) {
  const std::span<const int8_t> data = weights.constant->As<int8_t>();
  std::vector<int8_t> rows(data.begin(), data.end());
  if (!product.transpose_y) return rows;
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      rows[static_cast<size_t>(i * n + j)] = data[static_cast<size_t>(j * k + i)];
    }
  }
  return rows;
}

Result<std::unique_ptr<steps::Step>> Int8Step(const LowerContext& context,
                                              const MatmulAttrs& attrs) {
  const graph::Node& node = context.node;
  const Value& weights = *node.In(RightSlot(node));
  const MatmulSpec& product = attrs.product;
  const bool mul = product.form == MatmulSpec::Form::kMul;
  const std::vector<int64_t>& dims = weights.constant->dims;
  if (dims.size() != 2 || product.transpose_x || (mul && product.y_num_col_dims != 1)) {
    return Unsupported("INT8 weight " + weights.name + " is not a plain matrix on the right");
  }
  const bool transposed = !mul && product.transpose_y;
  steps::Int8FcSpec spec;
  spec.k = dims[transposed ? 1 : 0];
  spec.n = dims[transposed ? 0 : 1];
  const std::vector<int8_t> rows = RowsOfK(weights, product, spec.k, spec.n);
  spec.weights = rows;
  SKIFF_ASSIGN_OR_RETURN(spec.weight_step, WeightSteps(weights, transposed ? 0 : 1, spec.n));
  for (double& step : spec.weight_step) step *= product.alpha;
  spec.bias = BiasOf(node);
  SKIFF_ASSIGN_OR_RETURN(spec.input, CodeGridOf(*node.In(LeftSlot(node))));
  spec.in_num_col_dims = mul ? product.x_num_col_dims : -1;
  SKIFF_ASSIGN_OR_RETURN(spec.activation, ToInt8Activation(attrs.activation));
  const Value& output = *node.Out("Out");
  spec.output_is_float = !IsInt8(output.dtype);
  if (!spec.output_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec.output, CodeGridOf(output));
  }
  spec.choices = context.choices.get();
  return steps::MakeInt8Fc(spec, context.isa);
}

// Of two activations.
Result<std::unique_ptr<steps::Step>> Int8ProductStep(const LowerContext& context,
                                                     const MatmulAttrs& attrs) {
  const graph::Node& node = context.node;
  steps::Int8MatmulSpec spec;
  spec.product = attrs.product;
  SKIFF_ASSIGN_OR_RETURN(spec.left, CodeGridOf(*node.In(LeftSlot(node))));
  SKIFF_ASSIGN_OR_RETURN(spec.right, CodeGridOf(*node.In(RightSlot(node))));
  const Value& output = *node.Out("Out");
  spec.output_is_float = !IsInt8(output.dtype);
  if (!spec.output_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec.output, CodeGridOf(output));
  }
  return steps::MakeInt8Matmul(spec, context.isa);
}

Status RequireFloat(const Value& value) {
  if (value.dtype == DType::kFloat32) return OkStatus();
  return Unsupported("operand " + value.name + " of type " + std::string(Name(value.dtype)));
}

Result<Lowered> Lower(const LowerContext& context) {
  onednn::CapIsa(context.isa);
  const graph::Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const MatmulAttrs attrs, ParseMatmul(node));
  const Value* left = node.In(LeftSlot(node));
  const Value* right = node.In(RightSlot(node));
  const Value* bias = node.In("Bias");
  Lowered lowered;
  lowered.inputs = {left};
  lowered.outputs = {node.Out("Out")};
  if (bias != nullptr && !bias->constant) {
    return Unsupported("bias " + bias->name + " is computed; only a parameter is supported");
  }
  if (IsInt8(left->dtype) && right->constant && right->dtype == DType::kInt8) {
    SKIFF_ASSIGN_OR_RETURN(lowered.step, Int8Step(context, attrs));
    return lowered;
  }
  const bool has_epilogue = bias != nullptr || attrs.activation.kind != onednn::Activation::kNone;
  if (IsInt8(left->dtype) && IsInt8(right->dtype) && !right->constant && !has_epilogue) {
    SKIFF_ASSIGN_OR_RETURN(lowered.step, Int8ProductStep(context, attrs));
    lowered.inputs.push_back(right);
    return lowered;
  }
  SKIFF_RETURN_IF_ERROR(RequireFloat(*right));
  const bool runs = left->dtype != DType::kBFloat16 || onednn::MultipliesBfloat16();
  if (IsFullyConnected(node, attrs.product) && IsStoredFloat(*left) && runs) {
    lowered.step = FullyConnectedStep(node, attrs);
    return lowered;
  }
  SKIFF_RETURN_IF_ERROR(RequireFloat(*left));
  if (has_epilogue) {
    return Unsupported("weight " + right->name + " is computed; only a parameter is supported");
  }
  lowered.step = steps::MakeOnednnMatmul(attrs.product);
  lowered.inputs.push_back(right);
  return lowered;
}

}  // namespace

std::string_view LeftSlot(const graph::Node& node) { return node.type == "fc" ? "Input" : "X"; }
std::string_view RightSlot(const graph::Node& node) { return node.type == "fc" ? "W" : "Y"; }

Result<MatmulAttrs> ParseMatmul(const graph::Node& node) {
  program::AttributeReader attributes = node.Attributes();
  MatmulAttrs attrs;
  if (node.type == "mul") {
    SKIFF_RETURN_IF_ERROR(ReadMul(attributes, "x_num_col_dims", &attrs.product));
  } else if (node.type == "fc") {
    SKIFF_RETURN_IF_ERROR(ReadFc(attributes, &attrs));
  } else if (node.type == "matmul") {
    SKIFF_RETURN_IF_ERROR(ReadMatmul(attributes, &attrs.product));
  } else if (node.type == "matmul_v2") {
    attrs.product.transpose_x = attributes.Bool("trans_x", false);
    attrs.product.transpose_y = attributes.Bool("trans_y", false);
    SKIFF_RETURN_IF_ERROR(RefuseFusedShapes(attributes));
  }
  return attrs;
}

std::span<const OpDef> matmul_ops() {
  static constexpr OpDef kOps[] = {
      {"mul", Check, Lower}, {"matmul", Check, Lower}, {"matmul_v2", Check, Lower},
      {"bmm", Check, Lower}, {"fc", Check, Lower},
  };
  return kOps;
}

}  // namespace skiff::ops
