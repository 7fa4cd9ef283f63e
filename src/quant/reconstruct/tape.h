// Tape: the operators of one block, run forwards and backwards on one sample in float, with rounded
// activations simulated and the gradients of weights and of activation steps collected.
//
// Tensors are row-major in Paddle's order (NCHW), the first extent 1. A Tape is immutable while
// Lanes run over it: any number of threads may, each with a Lane of its own. Weights are read
// through pointers that the trainer sets between runs; nothing here owns them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dims.h"
#include "base/status.h"

namespace skiff::quant {

// A weight that is being rounded.
struct TapeWeight {
  std::string name;
  const float* values = nullptr;  // in the program's order
  size_t count = 0;
};

// An activation that is rounded in front of the operators that read it.
struct TapeRounder {
  std::string name;
  float step = 0;
  float codes = 127;   // the largest code
  bool learn = false;  // gradients of the step are wanted
};

// How a pass treats activations.
struct TapeMode {
  bool round = true;           // false: the float network
  float drop_probability = 0;  // of leaving an element unrounded (QDrop)
};

// What one thread needs for its pass.
struct Lane {
  std::vector<std::vector<float>> x;   // by value
  std::vector<std::vector<float>> dx;  // by value; empty where no gradient is needed
  std::vector<std::vector<float>> dweights;
  std::vector<double> dsteps;
  std::vector<float> scratch;
  TapeMode mode;
  uint64_t seed = 0;  // of the elements that are dropped
  Status status;      // the first failure
};

class Tape;

class TapeNode {
 public:
  virtual ~TapeNode() = default;
  virtual void Forward(const Tape& tape, Lane& lane) const = 0;
  // Adds to the gradients of parameters; writes the gradients of inputs, or adds to them where a
  // node behind it wrote them first.
  virtual void Backward(const Tape& tape, Lane& lane) const = 0;

  // Set by the tape: what the inputs' gradients need.
  enum class Flow : uint8_t { kNone, kWrite, kAdd };
  std::vector<int> inputs;  // values
  std::vector<Flow> flows;  // by input
  int output = -1;
};

class Tape {
 public:
  // Values. The first is the block's input.
  int AddValue(const Dims& dims);
  int AddWeight(const std::string& name, const float* values, size_t count);
  int AddRounder(TapeRounder rounder);
  // `has_parameters`: gradients are wanted of something that the node itself reads.
  void AddNode(std::unique_ptr<TapeNode> node, std::vector<int> node_inputs, int node_output,
               bool has_parameters);
  // After the last node: `output` is the value that the loss looks at. Nodes that do not lead there
  // are dropped.
  void Finish(int output);

  [[nodiscard]] const Dims& dims(int value) const { return dims_[static_cast<size_t>(value)]; }
  [[nodiscard]] size_t Count(int value) const { return static_cast<size_t>(dims(value).Numel()); }
  [[nodiscard]] int output() const { return output_; }

  // Buffers for one thread.
  [[nodiscard]] Lane NewLane() const;
  // Bytes of one.
  [[nodiscard]] size_t LaneBytes() const;
  // `input` has the extents of value 0.
  Status Forward(std::span<const float> input, Lane* lane) const;
  // After Forward; lane->dx[output()] holds the gradient of the loss.
  Status Backward(Lane* lane) const;

  std::vector<TapeWeight> weights;
  std::vector<TapeRounder> rounders;

 private:
  std::vector<Dims> dims_;
  std::vector<bool> needs_gradient_;
  std::vector<std::unique_ptr<TapeNode>> nodes_;
  int output_ = 0;
};

}  // namespace skiff::quant
