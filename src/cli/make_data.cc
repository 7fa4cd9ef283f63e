// skiff make_data: the binary data file of PaddleSlim's ImageNet demos, from a list of pictures
// with labels, as its full_ILSVRC2012_val_preprocess.py makes it.
//
// The file: int64 N, then N x 3 x side x side float32, then N int64 labels, all little endian.
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <optional>

#include "base/thread_pool.h"
#include "cli/options.h"
#include "cli/predictions.h"
#include "cli/progress.h"
#include "cli/verb.h"
#include "formats/file.h"
#include "imaging/decode.h"
#include "imaging/imagenet_sample.h"

namespace skiff::cli {
namespace {

constexpr int kShortSide = 256;
constexpr size_t kPicturesAtOnce = 64;

struct MakeDataFlags {
  std::string list;
  std::string data_dir;
  std::string output_file;
  int side = 224;
  int threads = 1;
};

Result<std::vector<float>> ReadOne(const std::string& path, int side) {
  SKIFF_ASSIGN_OR_RETURN(const imaging::Image image, imaging::ReadImage(path));
  Result<std::vector<float>> planes = imaging::ImageNetSample(image, kShortSide, side);
  if (!planes.ok()) return planes.status().WithContext(path);
  return planes;
}

class Maker {
 public:
  Maker(const MakeDataFlags& flags, std::vector<Sample> samples)
      : flags_(flags), samples_(std::move(samples)), pool_(flags.threads) {}

  Status Run() {
    SKIFF_ASSIGN_OR_RETURN(const auto file, formats::ReplacingFile::Create(flags_.output_file));
    const auto count = static_cast<int64_t>(samples_.size());
    SKIFF_RETURN_IF_ERROR(file->Append(std::as_bytes(std::span(&count, 1))));
    Progress progress("pictures", count);
    for (size_t done = 0; done < samples_.size(); done += kPicturesAtOnce) {
      progress.Update(static_cast<int64_t>(done), samples_[done].path);
      SKIFF_RETURN_IF_ERROR(Append(done, file.get()));
    }
    progress.Clear();
    std::vector<int64_t> labels;
    for (const Sample& sample : samples_) labels.push_back(sample.label);
    SKIFF_RETURN_IF_ERROR(file->Append(std::as_bytes(std::span(labels))));
    SKIFF_RETURN_IF_ERROR(file->Commit());
    fmt::print("{} pictures: {}\n", count, flags_.output_file);
    return OkStatus();
  }

 private:
  // The pictures from `first` on, as many as are worked on at once, in their order.
  Status Append(size_t first, formats::ReplacingFile* file) {
    const size_t count = std::min(kPicturesAtOnce, samples_.size() - first);
    std::vector<std::optional<Result<std::vector<float>>>> read(count);
    pool_.ParallelFor(static_cast<int64_t>(count), [&](int64_t i) {
      const auto at = static_cast<size_t>(i);
      const std::filesystem::path path(samples_[first + at].path);
      read[at] = ReadOne((std::filesystem::path(flags_.data_dir) / path).string(), flags_.side);
    });
    for (const auto& planes : read) {
      if (!planes->ok()) return planes->status();
      SKIFF_RETURN_IF_ERROR(file->Append(std::as_bytes(std::span(**planes))));
    }
    return OkStatus();
  }

  const MakeDataFlags& flags_;
  std::vector<Sample> samples_;
  ThreadPool pool_;
};

Status Run(MakeDataFlags& flags) {
  if (flags.data_dir.empty()) {
    flags.data_dir = std::filesystem::path(flags.list).parent_path().string();
  }
  SKIFF_ASSIGN_OR_RETURN(std::vector<Sample> samples, ReadSamples(flags.list));
  return Maker(flags, std::move(samples)).Run();
}

}  // namespace

void AddMakeData(Verbs& verbs) {
  Verb& verb = verbs.Add("make_data", "Make the binary data file of PaddleSlim's ImageNet demos");
  auto flags = std::make_shared<MakeDataFlags>();
  Flag list{"--list", "FILE", "Lines \"path label\", labels from 0"};
  list.required = true;
  verb.Text(list, flags->list);
  Flag out{"--output_file", "FILE", "The file to make"};
  out.required = true;
  verb.Text(out, flags->output_file);
  verb.Text({"--data_dir", "DIR", "Where the list's paths start; the folder of the list"},
            flags->data_dir);
  verb.Number({"--data_dim", "N", "Side of the square that is cut out"}, flags->side, 1,
              kShortSide);
  verb.Number({"--threads", "N", "Threads"}, flags->threads, 1, 256);
  verb.OnUse([] { return OkStatus(); }, [flags] { return Run(*flags); });
}

}  // namespace skiff::cli
