// skiff compare: layer by layer, how far INT8 is from the simulation of the quantised model and
// from the float model, each layer fed with the reference's own tensors.
#include "session/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/pictures.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "formats/npy.h"
#include "program/blob.h"
#include "session/load.h"

namespace skiff::cli {
namespace {

struct CompareOptions {
  ModelOptions model;
  PreprocessFlags preprocess;
  InputOptions inputs;
  std::vector<std::string> pictures;
  std::string reference_dir;
  std::optional<double> fail_above;  // steps
  bool json = false;
};

Result<Tensors> PictureInputs(const CompareOptions& options, const Session& session,
                              const imaging::Preprocess& preprocess) {
  SKIFF_RETURN_IF_ERROR(CheckTakesPictures(session));
  program::Tensor tensor;
  std::vector<std::byte> data;
  for (const std::string& path : options.pictures) {
    SKIFF_ASSIGN_OR_RETURN(const Picture picture, ReadPicture(path, preprocess));
    if (tensor.dims.empty()) tensor.dims = {0, 3, picture.height, picture.width};
    if (tensor.dims[2] != picture.height || tensor.dims[3] != picture.width) {
      return InvalidArgument(path + ": not of the first picture's size after preprocessing");
    }
    ++tensor.dims[0];
    const auto bytes = std::as_bytes(std::span(picture.planes));
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  tensor.data = program::CopyToBlob(data);
  return Tensors{std::move(tensor)};
}

Result<Tensors> Inputs(const CompareOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto session, LoadSession(options.model, Precision::kInt8));
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(options.preprocess, options.model.Folder()));
  if (!options.pictures.empty()) return PictureInputs(options, *session, preprocess);
  return MakeInputs(*session, options.inputs, preprocess);
}

using Layers = std::vector<session::LayerDifference>;

struct Comparisons {
  session::CompareResult simulate;
  session::CompareResult fp32;
};

std::vector<session::CompareInput> Views(const Tensors& tensors) {
  std::vector<session::CompareInput> inputs;
  for (const program::Tensor& tensor : tensors) {
    inputs.push_back({tensor.dtype, tensor.dims, tensor.data.bytes.data()});
  }
  return inputs;
}

SessionOptions Judged(const CompareOptions& options, Precision precision) {
  SessionOptions judged;
  judged.precision = precision;
  judged.threads = options.model.threads;
  judged.calibration_file = options.model.calibration_file;
  return judged;
}

Result<Comparisons> CompareBoth(const CompareOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const Tensors tensors, Inputs(options));
  const std::vector<session::CompareInput> inputs = Views(tensors);
  SKIFF_ASSIGN_OR_RETURN(const auto program, session::ReadSource(options.model.Source()));
  const SessionOptions judged = Judged(options, Precision::kInt8);
  Comparisons both;
  SKIFF_ASSIGN_OR_RETURN(both.simulate,
                         session::CompareLayers(program, judged, Precision::kSimulate, inputs));
  SKIFF_ASSIGN_OR_RETURN(both.fp32,
                         session::CompareLayers(program, judged, Precision::kFp32, inputs));
  return both;
}

// JSON has no infinity: an exact layer has no noise ratio.
Json Decibels(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json LayerJson(const session::LayerDifference& layer) {
  return {{"op", layer.op},
          {"name", layer.name},
          {"precision", layer.precision},
          {"kernel", layer.kernel},
          {"elements", layer.elements},
          {"max_steps", layer.max_steps < 0 ? Json(nullptr) : Json(layer.max_steps)},
          {"max_abs", layer.max_abs},
          {"max_relative", layer.max_relative},
          {"sqnr_db", Decibels(layer.sqnr_db)}};
}

Json ReferenceJson(const session::CompareResult& result) {
  Json layers = Json::array();
  for (const auto& layer : result.layers) layers.push_back(LayerJson(layer));
  return {{"layers", layers}, {"not_compared", result.not_compared}};
}

std::string DecibelText(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f}", value) : "exact";
}

void PrintTable(const Comparisons& both) {
  std::map<std::string, const session::LayerDifference*> against_float;
  for (const auto& layer : both.fp32.layers) against_float[layer.name] = &layer;
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight,
               Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  table.Add({"", "", "", "", "simulate:", "", "", "fp32:", ""});
  table.Add({"#", "operator", "name", "in", "steps", "max abs", "SQNR dB", "max abs", "SQNR dB"});
  const Layers& layers = both.simulate.layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    const session::LayerDifference& layer = layers[i];
    std::vector<std::string> row = {fmt::format("{}", i),
                                    layer.op,
                                    Shorten(layer.name, 36),
                                    layer.precision,
                                    layer.max_steps < 0 ? "" : fmt::format("{}", layer.max_steps),
                                    fmt::format("{:.3g}", layer.max_abs),
                                    DecibelText(layer.sqnr_db)};
    if (const auto it = against_float.find(layer.name); it != against_float.end()) {
      row.push_back(fmt::format("{:.3g}", it->second->max_abs));
      row.push_back(DecibelText(it->second->sqnr_db));
    }
    table.Add(std::move(row));
  }
  table.Print();
  for (const std::string& name : both.simulate.not_compared) {
    fmt::print("not compared: {}\n", name);
  }
}

using ReferenceTensors = std::map<std::string, session::ReferenceTensor>;

// The float tensors of a folder: <variable>.npy, "|" for "/" in a name.
Result<ReferenceTensors> ReadReference(const std::string& folder) {
  ReferenceTensors tensors;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".npy") continue;
    SKIFF_ASSIGN_OR_RETURN(const program::Tensor tensor, formats::ReadNpy(entry.path().string()));
    if (tensor.dtype != DType::kFloat32) continue;
    std::string name = entry.path().stem().string();
    std::replace(name.begin(), name.end(), '|', '/');
    const auto data = tensor.As<float>();
    tensors[name] = {tensor.dims, {data.begin(), data.end()}};
  }
  if (error) return IoError(folder + ": " + error.message());
  if (tensors.empty()) return NotFound(folder + ": no .npy file of float32");
  return tensors;
}

// The simulation, each layer fed with another runtime's tensors.
Status CompareWithFolder(const CompareOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const ReferenceTensors reference, ReadReference(options.reference_dir));
  SKIFF_ASSIGN_OR_RETURN(const Tensors tensors, Inputs(options));
  SKIFF_ASSIGN_OR_RETURN(const auto program, session::ReadSource(options.model.Source()));
  SKIFF_ASSIGN_OR_RETURN(const session::CompareResult result,
                         session::CompareLayers(program, Judged(options, Precision::kSimulate),
                                                reference, Views(tensors)));
  double worst = 0;
  for (const auto& layer : result.layers) worst = std::max(worst, layer.max_relative);
  if (options.json) {
    PrintJson({{"model", options.model.Title()},
               {"max_relative", worst},
               {"reference", ReferenceJson(result)}});
    return OkStatus();
  }
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight});
  table.Add({"#", "operator", "name", "max abs", "relative"});
  for (size_t i = 0; i < result.layers.size(); ++i) {
    const session::LayerDifference& layer = result.layers[i];
    table.Add({fmt::format("{}", i), layer.op, Shorten(layer.name, 48),
               fmt::format("{:.3g}", layer.max_abs), fmt::format("{:.3g}", layer.max_relative)});
  }
  table.Print();
  for (const std::string& name : result.not_compared) fmt::print("not compared: {}\n", name);
  fmt::print("{} layers, at most {:.3g} of the largest value apart\n", result.layers.size(), worst);
  return OkStatus();
}

Status Compare(const CompareOptions& options) {
  if (!options.reference_dir.empty()) return CompareWithFolder(options);
  SKIFF_ASSIGN_OR_RETURN(const Comparisons both, CompareBoth(options));
  double worst = 0;
  std::string worst_name;
  for (const auto& layer : both.simulate.layers) {
    if (layer.max_steps <= worst) continue;
    worst = layer.max_steps;
    worst_name = layer.name;
  }
  if (options.json) {
    PrintJson({{"model", options.model.Title()},
               {"max_steps", worst},
               {"simulate", ReferenceJson(both.simulate)},
               {"fp32", ReferenceJson(both.fp32)}});
  } else {
    PrintTable(both);
    fmt::print("{} layers, at most {} step(s) from simulate\n", both.simulate.layers.size(), worst);
  }
  if (options.fail_above && worst > *options.fail_above) {
    return CheckFailed(fmt::format("layer {} is {} steps from simulate, more than {}", worst_name,
                                   worst, *options.fail_above));
  }
  return OkStatus();
}

}  // namespace

void AddCompare(Verbs& verbs) {
  Verb& verb =
      verbs.Add("compare", "Layer by layer: INT8 against its simulation and against float");
  auto options = std::make_shared<CompareOptions>();
  verb.Texts({"pictures", "PICTURE", "Pictures to compare on; else made-up values"},
             options->pictures);
  AddSessionFlags(verb, options->model, PrecisionFlag::kNone);
  AddShapeFlags(verb, options->inputs);
  AddInputFileFlag(verb, options->inputs);
  verb.Text({"--reference_dir", "DIR",
             "Judge the simulation against <variable>.npy files instead, real Paddle's say"},
            options->reference_dir);
  verb.Number({"--fail_above", "STEPS", "Fail when a layer is farther than this from simulate"},
              options->fail_above, 0.0, 1000.0);
  AddJsonFlag(verb, options->json);
  AddPreprocessFlags(verb, options->preprocess);
  verb.OnUse([options] { return RequireModel(options->model); },
             [options] { return Compare(*options); });
}

}  // namespace skiff::cli
