#include "quant/reconstruct/blocks.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace skiff::quant {
namespace {

using program::OpDesc;
using program::Program;

// What follows a layer without a weight of its own and without mixing elements.
constexpr std::array<std::string_view, 13> kFollowers = {
    "relu",  "relu6",      "leaky_relu", "hard_swish",      "hard_sigmoid",    "sigmoid",
    "swish", "batch_norm", "scale",      "elementwise_add", "elementwise_sub", "elementwise_mul",
    "tanh"};

bool IsFollower(const OpDesc& op) {
  return std::find(kFollowers.begin(), kFollowers.end(), op.type) != kFollowers.end();
}

// Activations among the names of some slots.
std::vector<std::string> Activations(const Program& program,
                                     const std::vector<program::Argument>& arguments) {
  std::vector<std::string> names;
  for (const program::Argument& argument : arguments) {
    for (const std::string& name : argument.names) {
      if (!program.params.contains(name)) names.push_back(name);
    }
  }
  return names;
}

// A run of operators between two places where a single activation is alive.
struct Segment {
  std::string input;
  std::string output;
  std::vector<size_t> ops;
};

std::vector<Segment> CutWhereOneIsAlive(const Program& program) {
  const std::vector<OpDesc>& ops = program.blocks[0].ops;
  std::map<std::string, size_t> last_use;
  for (size_t i = 0; i < ops.size(); ++i) {
    for (const std::string& name : Activations(program, ops[i].inputs)) last_use[name] = i;
  }
  std::vector<Segment> segments;
  std::set<std::string> alive;
  Segment open;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].type == "fetch") continue;
    if (ops[i].type != "feed") open.ops.push_back(i);
    for (const std::string& name : Activations(program, ops[i].outputs)) {
      const auto use = last_use.find(name);
      if (use != last_use.end() && use->second > i) alive.insert(name);
    }
    for (const std::string& name : Activations(program, ops[i].inputs)) {
      if (last_use[name] == i) alive.erase(name);
    }
    if (alive.size() != 1) continue;
    open.output = *alive.begin();
    if (!open.ops.empty()) segments.push_back(open);
    open = {.input = open.output};
  }
  if (!open.ops.empty()) segments.push_back(open);
  return segments;
}

class BlockFinder {
 public:
  BlockFinder(const Program& program, const std::vector<Layer>& layers, int limit)
      : program_(program), layers_(layers), limit_(static_cast<size_t>(limit)) {
    for (size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].why_float.empty()) layer_of_[layers[i].op] = i;
    }
  }

  std::vector<Block> Run() {
    for (const Segment& segment : CutWhereOneIsAlive(program_)) Add(segment);
    Close();
    return std::move(blocks_);
  }

 private:
  void Add(const Segment& segment) {
    std::vector<size_t> layers;
    for (const size_t op : segment.ops) {
      const auto layer = layer_of_.find(op);
      if (layer != layer_of_.end()) layers.push_back(layer->second);
    }
    const bool single = segment.ops.size() == 1;
    const OpDesc& first = program_.blocks[0].ops[segment.ops.front()];
    if (layers.empty()) {
      if (single && IsFollower(first) && !open_.ops.empty()) {
        Join(segment, {});
      } else {
        Close();
      }
      return;
    }
    if (single && Continues(first)) {
      Join(segment, layers);
      return;
    }
    Close();
    const bool whole = !segment.input.empty() && !segment.output.empty();
    if (!whole || layers.size() > limit_) {
      for (const size_t layer : layers) {
        blocks_.push_back(LayerBlock(program_, layers_, layer));
      }
      return;
    }
    open_ = {segment.input, segment.output, segment.ops, layers};
    chain_ = single;
  }

  // Does a layer belong to the open block? A depthwise convolution belongs to the layer in front of
  // it, and the layer behind to both.
  [[nodiscard]] bool Continues(const OpDesc& op) const {
    if (open_.layers.empty() || !chain_ || open_.layers.size() >= limit_) return false;
    return IsDepthwise(op) ? open_.layers.size() == 1 && !LastIsDepthwise() : LastIsDepthwise();
  }
  static bool IsDepthwise(const OpDesc& op) { return op.type == "depthwise_conv2d"; }
  [[nodiscard]] bool LastIsDepthwise() const {
    return IsDepthwise(program_.blocks[0].ops[layers_[open_.layers.back()].op]);
  }

  void Join(const Segment& segment, const std::vector<size_t>& layers) {
    open_.ops.insert(open_.ops.end(), segment.ops.begin(), segment.ops.end());
    open_.layers.insert(open_.layers.end(), layers.begin(), layers.end());
    open_.output = segment.output;
  }
  void Close() {
    if (!open_.layers.empty()) blocks_.push_back(std::move(open_));
    open_ = {};
  }

  const Program& program_;
  const std::vector<Layer>& layers_;
  size_t limit_;
  std::map<size_t, size_t> layer_of_;  // by operator
  std::vector<Block> blocks_;
  Block open_;
  bool chain_ = false;  // the open block is a chain of single operators
};

}  // namespace

std::vector<Block> FindBlocks(const Program& program, const std::vector<Layer>& layers, int limit) {
  return BlockFinder(program, layers, limit).Run();
}

Block LayerBlock(const Program& program, const std::vector<Layer>& layers, size_t layer) {
  const std::vector<OpDesc>& ops = program.blocks[0].ops;
  const Layer& from = layers[layer];
  Block block{from.activation, from.output, {from.op}, {layer}};
  const std::set<std::string> fetched = FetchedNames(program);
  while (!fetched.contains(block.output)) {
    std::vector<size_t> readers;
    for (size_t i = 0; i < ops.size(); ++i) {
      for (const std::string& name : Activations(program, ops[i].inputs)) {
        if (name == block.output) readers.push_back(i);
      }
    }
    if (readers.size() != 1 || !IsFollower(ops[readers[0]])) break;
    const std::vector<std::string> outputs = Activations(program, ops[readers[0]].outputs);
    if (outputs.size() != 1 || Activations(program, ops[readers[0]].inputs).size() != 1) break;
    block.ops.push_back(readers[0]);
    block.output = outputs[0];
  }
  return block;
}

}  // namespace skiff::quant
