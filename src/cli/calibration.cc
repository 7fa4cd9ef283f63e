#include "cli/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/pictures.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "quant/cache.h"

namespace skiff::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDataBytes = size_t{64} << 30;

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
        batching_{static_cast<int64_t>(paths_.size()), batch_size, batch_nums} {}

  [[nodiscard]] int64_t batches() const override { return batching_.batches(); }

  Result<std::vector<TensorView>> Batch(int64_t index) override {
    const int64_t size = batching_.size();
    data_.clear();
    TensorView view;
    for (int64_t i = 0; i < size; ++i) {
      const std::string& path = paths_[static_cast<size_t>(index * size + i)];
      SKIFF_ASSIGN_OR_RETURN(const Picture picture, ReadPicture(path, preprocess_));
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
  std::vector<std::string> paths_;
  imaging::Preprocess preprocess_;
  Batching batching_;
  std::vector<float> data_;
};

// Samples side by side in memory or in a mapped file.
class TensorData final : public CalibrationData {
 public:
  TensorData(program::Tensor tensor, int64_t batch_size, int64_t batch_nums)
      : tensor_(std::move(tensor)), batching_{tensor_.dims[0], batch_size, batch_nums} {}

  [[nodiscard]] int64_t batches() const override { return batching_.batches(); }

  Result<std::vector<TensorView>> Batch(int64_t index) override {
    TensorView view;
    view.dtype = tensor_.dtype;
    view.dims = tensor_.dims;
    view.dims[0] = batching_.size();
    const size_t sample = tensor_.data.bytes.size() / static_cast<size_t>(tensor_.dims[0]);
    view.bytes = sample * static_cast<size_t>(view.dims[0]);
    view.data = tensor_.data.bytes.data() + view.bytes * static_cast<size_t>(index);
    return std::vector<TensorView>{view};
  }

  Result<std::string> Fingerprint() override {
    return quant::Digest(fmt::format("{} {} {} {}", batching_.size(), batching_.batches(),
                                     fmt::join(tensor_.dims, " "),
                                     quant::Digest(tensor_.data.bytes)));
  }

 private:
  program::Tensor tensor_;
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
  std::ifstream file(list);
  if (!file) return IoError(list + ": cannot be read");
  std::vector<std::string> paths;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    const size_t space = line.find_last_of(" \t");
    if (!IsPicture(line) && space != std::string::npos) line.resize(space);
    if (!IsPicture(line)) {
      return InvalidArgument(list + ": \"" + line + "\" is no .jpg, .jpeg or .png picture");
    }
    paths.push_back((fs::path(list).parent_path() / line).string());
  }
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

}  // namespace

Result<std::unique_ptr<CalibrationData>> OpenCalibrationData(const std::string& path,
                                                             const imaging::Preprocess& preprocess,
                                                             int64_t batch_size,
                                                             int64_t batch_nums) {
  const std::string extension = fs::path(path).extension().string();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return NotFound(path + ": no such file or folder");
  if (extension == ".npy" || extension == ".bin") {
    Result<program::Tensor> tensor =
        extension == ".npy" ? formats::ReadNpy(path) : ReadImageNetFile(path);
    if (!tensor.ok()) return tensor.status();
    if (tensor->dims.empty() || tensor->dims[0] < 1) {
      return InvalidArgument(path + ": an array [N, ...] of N samples expected");
    }
    return std::unique_ptr<CalibrationData>(
        std::make_unique<TensorData>(*std::move(tensor), batch_size, batch_nums));
  }
  const bool folder = fs::is_directory(path, ignored);
  SKIFF_ASSIGN_OR_RETURN(std::vector<std::string> paths,
                         folder ? PicturesIn(path) : PicturesOfList(path));
  return std::unique_ptr<CalibrationData>(
      std::make_unique<PictureData>(std::move(paths), preprocess, batch_size, batch_nums));
}

}  // namespace skiff::cli
