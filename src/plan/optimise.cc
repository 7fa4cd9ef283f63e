// The order of the passes, per precision.
#include "passes/import_program.h"
#include "passes/pattern.h"
#include "plan/model.h"

namespace skiff::plan {
namespace {

using passes::QuantMode;

// Each row runs when its flag is set.
struct Pass {
  const char* name;
  bool enabled;
  Status (*run)(graph::Graph&);
};

Status RunPasses(graph::Graph& graph, std::initializer_list<Pass> list) {
  for (const Pass& pass : list) {
    if (!pass.enabled) continue;
    SKIFF_RETURN_IF_ERROR(pass.run(graph));
    SKIFF_RETURN_IF_ERROR(graph.Verify().WithContext(pass.name));
  }
  return OkStatus();
}

Status Strip(graph::Graph& graph) { return passes::ReadQuantInfo(graph, QuantMode::kStrip); }
Status Annotate(graph::Graph& graph) { return passes::ReadQuantInfo(graph, QuantMode::kAnnotate); }

Status RemoveDead(graph::Graph& graph) {
  passes::RemoveDeadNodes(graph);
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<graph::Graph>> Optimise(const program::Program& program,
                                               const CompileOptions& options,
                                               std::vector<passes::CarriedSkip>* skips) {
  SKIFF_ASSIGN_OR_RETURN(std::unique_ptr<graph::Graph> graph, passes::ImportProgram(program));
  const bool literal = options.precision == Precision::kSimulate;
  const bool int8 = options.precision == Precision::kInt8;
  const bool bf16 = options.precision == Precision::kBf16;
  const bool fp32 = options.precision == Precision::kFp32 || bf16;
  const bool fuse = options.fuse && !literal;
  SKIFF_RETURN_IF_ERROR(
      RunPasses(*graph, {{"import_program", true, RemoveDead},
                         {"read_onednn_int8", true, passes::ReadOneDnnInt8},
                         {"read_weight_only", true, passes::ReadWeightOnly},
                         {"canonical_data_format", true, passes::CanonicalDataFormat}}));
  SKIFF_RETURN_IF_ERROR(passes::CheckSupported(*graph));
  SKIFF_RETURN_IF_ERROR(
      RunPasses(*graph, {{"strip", fp32, Strip}, {"read_quant_info", int8, Annotate}}));
  if (!fp32) SKIFF_RETURN_IF_ERROR(passes::ReadThresholds(*graph, options.thresholds));
  SKIFF_RETURN_IF_ERROR(
      RunPasses(*graph, {{"strip_grids", fp32, passes::StripGrids},
                         {"widen_weights", literal, passes::WidenWeights},
                         {"materialise_grids", literal, passes::MaterialiseGrids}}));
  SKIFF_RETURN_IF_ERROR(RunPasses(
      *graph, {{"fold_constants", true, passes::FoldConstants},
               {"remove_identities", !options.keep_identities, passes::RemoveIdentities}}));
  if (literal) SKIFF_RETURN_IF_ERROR(passes::RoundSkips(*graph, options.round_skips));
  SKIFF_RETURN_IF_ERROR(
      RunPasses(*graph, {{"fuse_pad", fuse, passes::FusePad},
                         {"fuse_bias", fuse, passes::FuseBias},
                         {"fold_batch_norm", fuse, passes::FoldBatchNorm},
                         {"fuse_residual", fuse, passes::FuseResidual},
                         {"fuse_activation", fuse, passes::FuseActivation},
                         {"transposed_to_shuffle", fuse, passes::TransposedToShuffle}}));
  if (int8) SKIFF_RETURN_IF_ERROR(passes::PlaceInt8(*graph, skips, options.int8_types));
  SKIFF_RETURN_IF_ERROR(
      RunPasses(*graph, {{"place_int8", int8, RemoveDead},
                         {"hoist_strides", fuse && options.hoist_strides, passes::HoistStrides},
                         {"assign_layouts", true, passes::AssignLayouts}}));
  if (bf16 || (options.bfloat16 && !literal)) {
    SKIFF_RETURN_IF_ERROR(passes::PlaceBfloat16(*graph, options.bfloat16_types));
  }
  SKIFF_RETURN_IF_ERROR(RunPasses(*graph, {{"remove_dead_nodes", true, RemoveDead}}));
  return graph;
}

}  // namespace skiff::plan
