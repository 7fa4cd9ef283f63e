#include "cli/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include "cli/lines.h"
#include "cli/pictures.h"
#include "cli/predictions.h"
#include "cli/text.h"
#include "formats/file.h"
#include "formats/model_files.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/summary.h"
#include "quant/cache.h"

namespace skiff::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDataBytes = size_t{64} << 30;
// Of decoded pictures that are kept: a quantiser goes over them many times.
constexpr size_t kKeptBytes = size_t{64} << 20;

// Batches of samples that are alike.
struct Batching {
  int64_t samples = 0;
  int64_t batch_size = 1;
  int64_t batch_nums = 0;

  [[nodiscard]] int64_t size() const { return std::min(batch_size, samples); }
  [[nodiscard]] int64_t batches() const {
    const int64_t all = samples / std::max<int64_t>(size(), 1);
    return batch_nums > 0 ? std::min(batch_nums, all) : all;
  }
};

// All that decides what becomes of a picture.
std::string TextOf(const imaging::Preprocess& p) {
  return fmt::format("{} {} {} {} {} {} {} {} {}", p.resize_short, p.resize_height, p.resize_width,
                     static_cast<int>(p.interpolation), p.crop_size, p.scale,
                     fmt::join(p.mean, " "), fmt::join(p.std, " "),
                     static_cast<int>(p.channel_order));
}

class PictureData final : public CalibrationData {
 public:
  PictureData(std::vector<std::string> paths, const imaging::Preprocess& preprocess,
              int64_t batch_size, int64_t batch_nums)
      : paths_(std::move(paths)),
        preprocess_(preprocess),
        batching_{static_cast<int64_t>(paths_.size()), batch_size, batch_nums},
        kept_(paths_.size()) {}

  [[nodiscard]] int64_t batches() const override { return batching_.batches(); }

  Result<std::vector<TensorView>> Batch(int64_t index) override {
    const int64_t size = batching_.size();
    data_.clear();
    TensorView view;
    for (int64_t i = 0; i < size; ++i) {
      const auto at = static_cast<size_t>(index * size + i);
      const std::string& path = paths_[at];
      SKIFF_ASSIGN_OR_RETURN(const Picture picture, Read(at));
      const std::vector<int64_t> dims = {size, 3, picture.height, picture.width};
      if (i > 0 && view.dims != dims) {
        return InvalidArgument(path +
                               ": another size than the pictures before it in the batch; "
                               "--batch_size 1, --crop_size or --resize would help");
      }
      view.dims = dims;
      data_.insert(data_.end(), picture.planes.begin(), picture.planes.end());
    }
    view.dtype = DType::kFloat32;
    view.data = data_.data();
    view.bytes = data_.size() * sizeof(float);
    return std::vector<TensorView>{view};
  }

  // Of the files' contents, not their names and times.
  Result<std::string> Fingerprint() override {
    std::string all = TextOf(preprocess_);
    const auto used = static_cast<size_t>(batching_.size() * batching_.batches());
    for (size_t i = 0; i < used; ++i) {
      SKIFF_ASSIGN_OR_RETURN(const program::Blob file, formats::MapFile(paths_[i], kMaxDataBytes));
      all += quant::Digest(file.bytes);
    }
    return quant::Digest(fmt::format("{} {} {}", batching_.size(), batching_.batches(), all));
  }

 private:
  // Pixels are kept, a quarter of the floats, and the first ones that come: passes go over all
  // pictures in turn, so that keeping the latest would never find one.
  Result<Picture> Read(size_t index) {
    imaging::Image& kept = kept_[index];
    if (!kept.rgb.empty()) return Normalised(kept, preprocess_);
    SKIFF_ASSIGN_OR_RETURN(imaging::Image fitted, ReadFitted(paths_[index], preprocess_));
    Picture picture = Normalised(fitted, preprocess_);
    if (fitted.rgb.size() <= kKeptBytes - kept_bytes_) {
      kept_bytes_ += fitted.rgb.size();
      kept = std::move(fitted);
    }
    return picture;
  }

  std::vector<std::string> paths_;
  imaging::Preprocess preprocess_;
  Batching batching_;
  std::vector<imaging::Image> kept_;  // by path; empty where it is not kept
  size_t kept_bytes_ = 0;
  std::vector<float> data_;
};

// Samples side by side in memory or in a mapped file: a tensor [N, ...] for each input.
class TensorData final : public CalibrationData {
 public:
  // REQUIRES: there are some, all of the same N > 0.
  TensorData(std::vector<program::Tensor> tensors, int64_t batch_size, int64_t batch_nums)
      : tensors_(std::move(tensors)), batching_{tensors_[0].dims[0], batch_size, batch_nums} {}

  [[nodiscard]] int64_t batches() const override { return batching_.batches(); }

  Result<std::vector<TensorView>> Batch(int64_t index) override {
    std::vector<TensorView> views;
    for (const program::Tensor& tensor : tensors_) {
      TensorView& view = views.emplace_back();
      view.dtype = tensor.dtype;
      view.dims = tensor.dims;
      view.dims[0] = batching_.size();
      const size_t sample = tensor.data.bytes.size() / static_cast<size_t>(tensor.dims[0]);
      view.bytes = sample * static_cast<size_t>(view.dims[0]);
      view.data = tensor.data.bytes.data() + view.bytes * static_cast<size_t>(index);
    }
    return views;
  }

  Result<std::string> Fingerprint() override {
    std::string all = fmt::format("{} {}", batching_.size(), batching_.batches());
    for (const program::Tensor& tensor : tensors_) {
      all += fmt::format(" {} {} {}", Name(tensor.dtype), fmt::join(tensor.dims, " "),
                         quant::Digest(tensor.data.bytes));
    }
    return quant::Digest(all);
  }

 private:
  std::vector<program::Tensor> tensors_;
  Batching batching_;
};

bool IsPicture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

Result<std::vector<std::string>> PicturesIn(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (IsPicture(entry.path())) paths.push_back(entry.path().string());
  }
  if (error) return IoError(folder + ": " + error.message());
  if (paths.empty()) return NotFound(folder + ": no .jpg, .jpeg or .png picture in it");
  std::sort(paths.begin(), paths.end());
  return paths;
}

// "path" or "path label", relative to the list.
Result<std::vector<std::string>> PicturesOfList(const std::string& list) {
  std::vector<std::string> paths;
  SKIFF_RETURN_IF_ERROR(ForEachLine(list, [&](size_t number, std::string_view line) {
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) return OkStatus();
    const size_t space = line.find_last_of(" \t");
    if (!IsPicture(line) && space != std::string_view::npos) line = line.substr(0, space);
    if (!IsPicture(line)) {
      return InvalidArgument(fmt::format("{}:{}: \"{}\" is no .jpg, .jpeg or .png picture", list,
                                         number, Shorten(std::string(line), 120)));
    }
    paths.push_back((fs::path(list).parent_path() / line).string());
    return OkStatus();
  }));
  if (paths.empty()) return InvalidArgument(list + ": the list has no pictures");
  return paths;
}

Result<program::Tensor> ReadImageNetFile(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const program::Blob file, formats::MapFile(path, kMaxDataBytes));
  constexpr size_t kSample = sizeof(float) * 3 * 224 * 224;
  int64_t n = 0;
  if (file.bytes.size() >= sizeof(n)) std::memcpy(&n, file.bytes.data(), sizeof(n));
  const size_t most = file.bytes.size() / kSample;
  if (n < 1 || static_cast<uint64_t>(n) > most ||
      file.bytes.size() < sizeof(n) + static_cast<size_t>(n) * kSample) {
    return Corruption(fmt::format(
        "{}: its first 8 bytes say {} pictures of 3 x 224 x 224 floats, its size is {} bytes", path,
        n, file.bytes.size()));
  }
  program::Tensor tensor;
  tensor.dtype = DType::kFloat32;
  tensor.dims = {n, 3, 224, 224};
  tensor.data = {file.owner, file.bytes.subspan(sizeof(n), static_cast<size_t>(n) * kSample)};
  return tensor;
}

Status CheckSamples(const std::string& name, const program::Tensor& tensor) {
  if (!tensor.dims.empty() && tensor.dims[0] > 0) return OkStatus();
  return InvalidArgument(name + ": an array [N, ...] of N samples expected");
}

// The array of each input of the model, in the inputs' order.
Result<std::vector<program::Tensor>> ReadInputsOf(const ModelSource& model,
                                                  const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(formats::NamedTensors arrays, formats::ReadNpz(path));
  SKIFF_ASSIGN_OR_RETURN(const program::Program program, formats::LoadModel(model));
  std::map<std::string, program::Tensor> by_name;
  std::vector<std::string> names;
  for (auto& [name, tensor] : arrays) {
    SKIFF_RETURN_IF_ERROR(CheckSamples(path + ": " + name, tensor));
    names.push_back(name);
    by_name[name] = std::move(tensor);
  }
  std::vector<program::Tensor> tensors;
  for (const TensorInfo& input : formats::Summarise(program).inputs) {
    auto found = by_name.find(input.name);
    // Without names np.savez says arr_0, which leaves no doubt where there is one of each.
    if (found == by_name.end() && names == std::vector<std::string>{"arr_0"}) {
      found = by_name.begin();
    }
    if (found == by_name.end()) {
      return NotFound(fmt::format("{}: no array for input {}; it has {}", path, input.name,
                                  fmt::join(names, ", ")));
    }
    tensors.push_back(std::move(found->second));
    by_name.erase(found);
    if (tensors.back().dims[0] != tensors[0].dims[0]) {
      return InvalidArgument(fmt::format("{}: {} samples of input {}, {} of another", path,
                                         tensors.back().dims[0], input.name, tensors[0].dims[0]));
    }
  }
  if (!by_name.empty()) {
    return InvalidArgument(
        fmt::format("{}: the model has no input {}", path, by_name.begin()->first));
  }
  if (tensors.empty()) return InvalidArgument(path + ": the model has no inputs");
  return tensors;
}

Result<std::vector<program::Tensor>> ReadTensors(const ModelSource& model,
                                                 const std::string& path) {
  if (path.ends_with(".npz")) return ReadInputsOf(model, path);
  SKIFF_ASSIGN_OR_RETURN(program::Tensor tensor,
                         path.ends_with(".npy") ? formats::ReadNpy(path) : ReadImageNetFile(path));
  SKIFF_RETURN_IF_ERROR(CheckSamples(path, tensor));
  return std::vector<program::Tensor>{std::move(tensor)};
}

}  // namespace

Result<std::unique_ptr<CalibrationData>> OpenCalibrationData(const ModelSource& model,
                                                             const std::string& path,
                                                             const imaging::Preprocess& preprocess,
                                                             int64_t batch_size,
                                                             int64_t batch_nums) {
  const std::string extension = fs::path(path).extension().string();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return NotFound(path + ": no such file or folder");
  if (extension == ".npy" || extension == ".npz" || extension == ".bin") {
    SKIFF_ASSIGN_OR_RETURN(std::vector<program::Tensor> tensors, ReadTensors(model, path));
    return std::unique_ptr<CalibrationData>(
        std::make_unique<TensorData>(std::move(tensors), batch_size, batch_nums));
  }
  const bool folder = fs::is_directory(path, ignored);
  SKIFF_ASSIGN_OR_RETURN(std::vector<std::string> paths,
                         folder ? PicturesIn(path) : PicturesOfList(path));
  return std::unique_ptr<CalibrationData>(
      std::make_unique<PictureData>(std::move(paths), preprocess, batch_size, batch_nums));
}

Result<Evaluation> OpenEvaluation(const std::string& list, const imaging::Preprocess& preprocess) {
  SKIFF_ASSIGN_OR_RETURN(const std::vector<Sample> samples, ReadSamples(list));
  std::vector<std::string> paths;
  Evaluation evaluation;
  for (const Sample& sample : samples) {
    paths.push_back((fs::path(list).parent_path() / sample.path).string());
    evaluation.labelled.labels.push_back(sample.label + preprocess.label_offset);
  }
  evaluation.pictures = std::make_unique<PictureData>(std::move(paths), preprocess, 1, 0);
  evaluation.labelled.data = evaluation.pictures.get();
  return evaluation;
}

}  // namespace skiff::cli
