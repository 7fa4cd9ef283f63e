// PictureReader: pictures, decoded and preprocessed, one after the other, while others are already
// being worked on by threads of its own. A bounded number of pictures is held at a time.
// Next may be called by one thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "imaging/preprocess.h"
#include "skiff/session.h"

namespace skiff::cli {

// What a network is fed: 3 x height x width.
struct Picture {
  int height = 0;
  int width = 0;
  std::vector<float> planes;
};

// Decoded, resized and cropped.
Result<imaging::Image> ReadFitted(const std::string& path, const imaging::Preprocess& preprocess);
Picture Normalised(const imaging::Image& fitted, const imaging::Preprocess& preprocess);
// Both.
Result<Picture> ReadPicture(const std::string& path, const imaging::Preprocess& preprocess);

class PictureReader {
 public:
  // workers 0: Next does the work itself.
  PictureReader(std::vector<std::string> paths, const imaging::Preprocess& preprocess, int workers);
  ~PictureReader();
  PictureReader(const PictureReader&) = delete;
  PictureReader& operator=(const PictureReader&) = delete;

  // The pictures in the order of the paths. REQUIRES: fewer calls than paths were made.
  Result<Picture> Next();

 private:
  struct Slot {
    bool ready = false;
    Result<Picture> picture = Picture{};
  };
  void Work();

  const std::vector<std::string> paths_;
  const imaging::Preprocess preprocess_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;  // picture i is kept in slot i % size
  size_t started_ = 0;       // pictures that some worker took
  size_t taken_ = 0;         // pictures that Next gave out
  bool stop_ = false;
  std::vector<std::jthread> workers_;
};

// Processors that are idle while `threads` of them compute.
int IdleProcessors(int threads);

// The one input that takes pictures: float [N, 3, H, W]. An error when there are others.
Status CheckTakesPictures(const Session& session);

}  // namespace skiff::cli
