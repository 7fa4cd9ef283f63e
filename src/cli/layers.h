// Tables of layers, for `bench --profile` and `explain`.
#pragma once

#include <vector>

#include "cli/text.h"
#include "skiff/session.h"

namespace skiff::cli {

// One entry for each layer, with the time of one run and its share.
Json LayersJson(const std::vector<LayerInfo>& layers);
void PrintLayers(const std::vector<LayerInfo>& layers);

// Times summed over operator type and precision, most expensive first.
Json OperatorsJson(const std::vector<LayerInfo>& layers);
void PrintOperators(const std::vector<LayerInfo>& layers);

}  // namespace skiff::cli
