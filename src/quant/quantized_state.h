// What was found out about some quantised layers, as bytes for the cache.
#pragma once

#include <span>
#include <string>

#include "quant/export.h"

namespace skiff::quant {

// `layers`: indices of Quantized::layers.
std::string SaveLayers(const Quantized& quantized, std::span<const size_t> layers);
// False, and nothing is changed, when the bytes are not those of these layers.
bool RestoreLayers(const std::string& bytes, std::span<const size_t> layers, Quantized* quantized);

}  // namespace skiff::quant
