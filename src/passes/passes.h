// The passes, graph -> graph, one file each, in the order in which `plan` runs them.
//
// Every pass leaves a graph that Verify accepts and that computes the same function, up to the
// roundings that the pass says it adds or removes.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "steps/step.h"

namespace skiff::passes {

// What becomes of a model's quantisation information.
enum class QuantMode {
  kStrip,     // weights become float, activations are not rounded
  kAnnotate,  // weights become s8 constants with a grid, activations rounded at Edge::grid
};

// Removes the fake_* and *quantize_linear operators of representations R1, R1b, R2, R3 and R4
// (docs/formats.md) and keeps, in mode kAnnotate, what they said. A weight's integers are the
// file's.
Status ReadQuantInfo(graph::Graph& graph, QuantMode mode);

// Representation R7 (docs/formats.md): programs of save_quant_model.py, whose quantize,
// dequantize and requantize operators and Scale_* attributes become grids; the float operators
// remain. Does nothing to other programs. A requantize rounds once here, twice in Paddle.
Status ReadOneDnnInt8(graph::Graph& graph);

// Thresholds that stand beside the operators: R6's attributes ("<variable>.max"), and `table`, the
// pairs of a calibration file, which give way to whatever the model says itself. A float weight of
// a node that has a threshold is quantised per output channel by its largest magnitude.
Status ReadThresholds(graph::Graph& graph,
                      const std::vector<std::pair<std::string, double>>& table);

// Operators with data_format NHWC become NCHW ones between transpose2 nodes.
Status CanonicalDataFormat(graph::Graph& graph);

// Representation R5: weights stored as integers with a step in an attribute become float.
Status ReadWeightOnly(graph::Graph& graph);

// Forgets all roundings: what precision fp32 runs.
Status StripGrids(graph::Graph& graph);

// Runs nodes whose inputs are all constant, and replaces them by their results.
Status FoldConstants(graph::Graph& graph);

// Drops what does nothing at inference: assign, dropout, scale by 1, cast to the same type.
Status RemoveIdentities(graph::Graph& graph);

// unsqueeze2 + pad3d + squeeze2 (or pad2d), zeros, in front of a convolution -> its paddings.
Status FusePad(graph::Graph& graph);

// convolution or matrix product + elementwise_add of a per-channel constant -> slot Bias;
// mul / matmul / matmul_v2 by a constant matrix -> fc.
Status FuseBias(graph::Graph& graph);

// convolution + batch_norm -> filter (float) or filter grid (s8), and bias.
Status FoldBatchNorm(graph::Graph& graph);

// convolution + elementwise_add of an equal-shaped tensor -> slot ResidualData.
Status FuseResidual(graph::Graph& graph);

// convolution or fc + activation -> attribute fuse_activation.
Status FuseActivation(graph::Graph& graph);

// Transposed convolutions without overlap -> 1x1 convolution + pixel_shuffle.
Status TransposedToShuffle(graph::Graph& graph);

// A tensor that a residual add reads as the codes of a quantised reader (docs/numerics.md).
struct CarriedSkip {
  std::string tensor;
  graph::Grid grid;
};

// Decides which nodes run in integers: turns Edge::grid into values of type s8 and u8, puts
// quantize and dequantize nodes where types change, and says in Node::why_float why a node stays
// float. `skips` receives the skip tensors that are carried as codes.
//
// `types`: the operator types that may, where the caller restricts them; "fc" stands for products,
// "conv2d" for depthwise convolutions too. Others are rounded in float. Empty: all.
Status PlaceInt8(graph::Graph& graph, std::vector<CarriedSkip>* skips,
                 std::span<const std::string> types = {});

// Turns every Edge::grid into explicit quantize + dequantize nodes and s8 weights into
// floats: the literal simulation of an annotated graph.
Status MaterialiseGrids(graph::Graph& graph);

// R1b: int8 weights that an operator reads as they are become float32 holding the same integers.
Status WidenWeights(graph::Graph& graph);

// Rounds the skip tensors the way PlaceInt8 carries them, in a graph that runs literally.
Status RoundSkips(graph::Graph& graph, const std::vector<CarriedSkip>& skips);

// Weights that are s8 with a grid but belong to a float node become float32.
Status DequantizeWeights(graph::Graph& graph);

// Strides of 1x1 convolutions -> the convolution in front, which then computes only what is read.
// Values behind it lose rows and columns: their extents are no longer the model's.
Status HoistStrides(graph::Graph& graph);

// NHWC for convolution islands; transfer_layout nodes at their borders.
Status AssignLayouts(graph::Graph& graph);

// Convolutions and fully connected layers that are still float multiply bfloat16, tensors between
// them are stored as it, and to_bfloat16 nodes stand where float32 is read. After AssignLayouts.
// Rounds what these nodes read, and their weights, half to even; sums stay float32.
//
// `types`: the operator types that may, where the caller restricts them; "conv2d" stands for its
// other names and any product for fc. Empty: all.
Status PlaceBfloat16(graph::Graph& graph, std::span<const std::string> types = {});

}  // namespace skiff::passes
