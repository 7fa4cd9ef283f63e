// Blocks: the parts of a program that are reconstructed one after the other.
//
// A block has one activation that enters it and one that leaves it. Whole branches are one block (a
// residual block of ResNet, an inverted residual of MobileNet); elsewhere a depthwise convolution
// and its neighbours are one, and every other layer is one with the elementwise operators behind
// it. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "program/program.h"
#include "quant/layers.h"

namespace skiff::quant {

struct Block {
  std::string input;
  std::string output;
  std::vector<size_t> ops;     // in the program's order
  std::vector<size_t> layers;  // quantised ones, by their index in Quantized::layers
};

// In the program's order. Layers whose surroundings have no single input, or that would be more
// than `limit` in one block, are in blocks of their own.
std::vector<Block> FindBlocks(const program::Program& program, const std::vector<Layer>& layers,
                              int limit);

// A layer and the elementwise operators that alone read what it writes.
Block LayerBlock(const program::Program& program, const std::vector<Layer>& layers, size_t layer);

}  // namespace skiff::quant
