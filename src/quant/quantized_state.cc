#include "quant/quantized_state.h"

#include <utility>
#include <vector>

#include "quant/cache.h"

namespace skiff::quant {

std::string SaveLayers(const Quantized& quantized, std::span<const size_t> layers) {
  StateWriter state;
  for (size_t index : layers) {
    const Layer& layer = quantized.layers[index];
    state.Put(quantized.ranges.at(layer.activation).threshold);
    state.PutAll(quantized.weights.at(layer.weight).codes);
    state.PutText(layer.bias);
    const auto bias = quantized.biases.find(layer.bias);
    state.PutAll(bias == quantized.biases.end() ? std::vector<float>() : bias->second);
  }
  return state.bytes();
}

bool RestoreLayers(const std::string& bytes, std::span<const size_t> layers, Quantized* quantized) {
  Quantized restored = *quantized;
  StateReader state(bytes);
  for (size_t index : layers) {
    Layer& layer = restored.layers[index];
    restored.ranges.at(layer.activation).threshold = state.Get<double>();
    auto codes = state.GetAll<int8_t>();
    QuantizedWeight& weight = restored.weights.at(layer.weight);
    if (codes.size() != weight.codes.size()) return false;
    weight.codes = std::move(codes);
    layer.bias = state.GetText();
    auto values = state.GetAll<float>();
    if (!values.empty()) restored.biases[layer.bias] = std::move(values);
  }
  if (!state.done()) return false;
  *quantized = std::move(restored);
  return true;
}

}  // namespace skiff::quant
