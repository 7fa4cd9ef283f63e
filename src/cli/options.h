// The flags that verbs share: which model, how to run it, and how pictures become inputs.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/flags.h"
#include "imaging/preprocess.h"
#include "skiff/session.h"

namespace skiff::cli {

struct ModelOptions {
  std::string model_dir;
  std::string model_file;
  std::string params_file;
  std::string calibration_file;
  std::string optim_cache_dir;
  std::string precision = "int8";  // where a verb takes several: separated by commas
  int threads = 1;
  int64_t memory_limit_mib = 1024;

  [[nodiscard]] ModelSource Source() const;
  // The folder that the model lies in, where preprocess.json and labels.txt may lie too.
  [[nodiscard]] std::string Folder() const;
  // What messages and tables call the model.
  [[nodiscard]] std::string Title() const;
  // REQUIRES: the flags were parsed, so that every name is known.
  [[nodiscard]] std::vector<Precision> Precisions() const;
};

enum class PrecisionFlag { kNone, kOne, kSeveral };

// Which files.
void AddModelFlags(Verb& verb, ModelOptions& options);
// And how to run them.
void AddSessionFlags(Verb& verb, ModelOptions& options, PrecisionFlag precision);
// An error when no model was named.
Status RequireModel(const ModelOptions& options);

SessionOptions OptionsOf(const ModelOptions& options, Precision precision);

// Without the run on zeros that Load ends with for those who load once and run often.
Result<std::unique_ptr<Session>> LoadSession(const ModelOptions& options, Precision precision,
                                             bool profile = false, bool warm_up = false);

// What the user said of preprocessing; what is absent comes from a preprocess.json, or is a
// default.
struct PreprocessFlags {
  std::string file;
  std::optional<int> resize_short;
  std::optional<std::array<int, 2>> resize;  // height, width
  std::optional<imaging::Interpolation> interpolation;
  std::optional<int> crop_size;
  std::optional<float> scale;
  std::optional<std::array<float, 3>> mean;
  std::optional<std::array<float, 3>> std;
  std::optional<imaging::ChannelOrder> channel_order;
  std::optional<int> label_offset;
};

void AddPreprocessFlags(Verb& verb, PreprocessFlags& flags);

// Flags over the preprocess.json (the one named, or one in `folder`) over the defaults.
Result<imaging::Preprocess> ResolvePreprocess(const PreprocessFlags& flags,
                                              const std::string& folder);

void AddJsonFlag(Verb& verb, bool& json);

}  // namespace skiff::cli
