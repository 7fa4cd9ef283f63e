#include "cli/pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cpu_count.h"
#include "cli/text.h"
#include "imaging/decode.h"

namespace skiff::cli {
namespace {

constexpr size_t kSlotsPerWorker = 4;
constexpr int kMaxWorkers = 4;

}  // namespace

Result<imaging::Image> ReadFitted(const std::string& path, const imaging::Preprocess& preprocess) {
  SKIFF_ASSIGN_OR_RETURN(const imaging::Image image, imaging::ReadImage(path));
  Result<imaging::Image> fitted = imaging::Fit(image, preprocess);
  if (!fitted.ok()) return fitted.status().WithContext(path);
  return fitted;
}

Picture Normalised(const imaging::Image& fitted, const imaging::Preprocess& preprocess) {
  Picture picture{fitted.height, fitted.width, std::vector<float>(fitted.rgb.size())};
  imaging::Normalise(fitted, preprocess, picture.planes.data());
  return picture;
}

Result<Picture> ReadPicture(const std::string& path, const imaging::Preprocess& preprocess) {
  SKIFF_ASSIGN_OR_RETURN(const imaging::Image fitted, ReadFitted(path, preprocess));
  return Normalised(fitted, preprocess);
}

PictureReader::PictureReader(std::vector<std::string> paths, const imaging::Preprocess& preprocess,
                             int workers)
    : paths_(std::move(paths)), preprocess_(preprocess) {
  slots_.resize(static_cast<size_t>(workers) * kSlotsPerWorker);
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { Work(); });
}

PictureReader::~PictureReader() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

void PictureReader::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || started_ < taken_ + slots_.size(); });
    if (stop_ || started_ == paths_.size()) return;
    const size_t index = started_++;
    lock.unlock();
    Result<Picture> picture = ReadPicture(paths_[index], preprocess_);
    lock.lock();
    slots_[index % slots_.size()] = {true, std::move(picture)};
    changed_.notify_all();
  }
}

Result<Picture> PictureReader::Next() {
  if (workers_.empty()) return ReadPicture(paths_[taken_++], preprocess_);
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[taken_ % slots_.size()];
  changed_.wait(lock, [&slot] { return slot.ready; });
  slot.ready = false;
  Result<Picture> picture = std::move(slot.picture);
  ++taken_;
  changed_.notify_all();
  return picture;
}

int IdleProcessors(int threads) { return std::clamp(AvailableCpus() - threads, 0, kMaxWorkers); }

Status CheckTakesPictures(const Session& session) {
  if (session.inputs().size() != 1) {
    return InvalidArgument(fmt::format(
        "the model has {} inputs, pictures are one: give all of them with --input NAME=FILE.npy",
        session.inputs().size()));
  }
  const TensorInfo& input = session.inputs().front();
  if (input.dtype != DType::kFloat32 || input.dims.size() != 4 ||
      (input.dims[1] != 3 && input.dims[1] >= 0)) {
    return InvalidArgument(fmt::format("input {} is {} {}, which does not take RGB pictures",
                                       input.name, Name(input.dtype), DimsText(input.dims)));
  }
  return OkStatus();
}

}  // namespace skiff::cli
