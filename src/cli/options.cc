#include "cli/options.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <limits>

#include "cli/text.h"

namespace skiff::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxThreads = 1024;

template <typename T, size_t N>
Result<std::array<T, N>> ParseArray(const std::string& text) {
  const std::vector<std::string> parts = Split(text, ',');
  std::array<T, N> values{};
  bool good = parts.size() == N;
  for (size_t i = 0; good && i < N; ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto [stop, error] = std::from_chars(parts[i].data(), end, values[i]);
    good = error == std::errc() && stop == end;
  }
  if (!good) {
    return InvalidArgument(fmt::format("\"{}\" is not {} numbers separated by commas", text, N));
  }
  return values;
}

Status CheckPrecisions(const std::string& text, PrecisionFlag flag) {
  const std::vector<std::string> names = Split(text, ',');
  for (const std::string& name : names) SKIFF_RETURN_IF_ERROR(ParsePrecision(name).status());
  if (flag == PrecisionFlag::kOne && names.size() != 1) {
    return InvalidArgument("one precision is wanted");
  }
  return OkStatus();
}

}  // namespace

ModelSource ModelOptions::Source() const {
  ModelSource source;
  source.model_dir = model_dir;
  source.model_file = model_file;
  source.params_file = params_file;
  return source;
}

std::string ModelOptions::Folder() const {
  if (!model_dir.empty()) return model_dir;
  const std::string parent = fs::path(model_file).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string ModelOptions::Title() const { return model_dir.empty() ? model_file : model_dir; }

std::vector<Precision> ModelOptions::Precisions() const {
  std::vector<Precision> precisions;
  for (const std::string& name : Split(precision, ',')) precisions.push_back(*ParsePrecision(name));
  return precisions;
}

void AddModelFlags(Verb& verb, ModelOptions& options) {
  verb.Text({"--model_dir", "DIR", "Folder of the model"}, options.model_dir);
  verb.Text({"--model_file", "FILE", "Program (.pdmodel, __model__)"}, options.model_file);
  verb.Text({"--params_file", "FILE", "Parameters (.pdiparams)"}, options.params_file);
}

void AddSessionFlags(Verb& verb, ModelOptions& options, PrecisionFlag flag) {
  AddModelFlags(verb, options);
  verb.Text({"--calibration_file", "FILE", "Thresholds of tensors, lines \"name threshold\""},
            options.calibration_file);
  if (flag != PrecisionFlag::kNone) {
    const bool several = flag == PrecisionFlag::kSeveral;
    verb.Custom(
        {"--precision", "NAME",
         several ? "fp32, simulate, int8 or bf16; or several: fp32,int8"
                 : "fp32, simulate, int8 or bf16"},
        [&options, flag](const std::string& text) {
          options.precision = text;
          return CheckPrecisions(text, flag);
        },
        options.precision);
    verb.Text({"--optim_cache_dir", "DIR", "Folder of the kernels that bench --autotune chose"},
              options.optim_cache_dir);
  }
  verb.Number({"--threads", "N", "Threads that one run uses"}, options.threads, 1, kMaxThreads);
  verb.Number({"--memory_limit", "MIB", "MiB that activations may take"}, options.memory_limit_mib,
              int64_t{1}, int64_t{1} << 24);
}

Status RequireModel(const ModelOptions& options) {
  if (options.model_dir.empty() && options.model_file.empty()) {
    return InvalidArgument("--model_dir, or --model_file and --params_file, is needed");
  }
  if (!options.params_file.empty() && options.model_file.empty()) {
    return InvalidArgument("--params_file needs --model_file");
  }
  return OkStatus();
}

SessionOptions OptionsOf(const ModelOptions& options, Precision precision) {
  SessionOptions session;
  session.precision = precision;
  session.calibration_file = options.calibration_file;
  session.optim_cache_dir = options.optim_cache_dir;
  session.threads = options.threads;
  session.memory_limit = static_cast<size_t>(options.memory_limit_mib) << 20;
  return session;
}

Result<std::unique_ptr<Session>> LoadSession(const ModelOptions& options, Precision precision,
                                             bool profile, bool warm_up) {
  SessionOptions how = OptionsOf(options, precision);
  how.profile = profile;
  how.warm_up = warm_up;
  SKIFF_ASSIGN_OR_RETURN(auto session, Session::Load(options.Source(), how));
  for (const std::string& warning : session->warnings()) {
    fmt::print(stderr, "skiff: warning: {}\n", warning);
  }
  return session;
}

void AddPreprocessFlags(Verb& verb, PreprocessFlags& flags) {
  constexpr int kMaxSide = static_cast<int>(imaging::kMaxSide);
  constexpr float kMax = std::numeric_limits<float>::max();
  verb.Group("Preprocessing (over the preprocess.json beside the model)");
  verb.Text({"--preprocess_file", "FILE", "A preprocess.json elsewhere"}, flags.file);
  verb.Number({"--resize_short", "256", "Length of the short side; 0: no resize"},
              flags.resize_short, 0, kMaxSide);
  verb.Parsed({"--resize", "H,W", "Exactly this size, instead of --resize_short"}, flags.resize,
              ParseArray<int, 2>);
  verb.Parsed({"--interpolation", "bilinear", "nearest, bilinear, bicubic or lanczos, as Pillow's"},
              flags.interpolation, imaging::ParseInterpolation);
  verb.Number({"--crop_size", "224", "Square from the middle; 0: no crop"}, flags.crop_size, 0,
              kMaxSide);
  verb.Number({"--scale", "0.00392157", "value = (pixel x scale - mean) / std"}, flags.scale, -kMax,
              kMax);
  verb.Parsed({"--mean", "0.485,0.456,0.406", "In the order that is fed"}, flags.mean,
              ParseArray<float, 3>);
  verb.Parsed({"--std", "0.229,0.224,0.225", "In the order that is fed"}, flags.std,
              ParseArray<float, 3>);
  verb.Parsed({"--channel_order", "rgb", "Order that is fed: rgb or bgr"}, flags.channel_order,
              imaging::ParseChannelOrder);
  verb.Number({"--label_offset", "0", "1 where class 0 is the background"}, flags.label_offset,
              -1'000'000, 1'000'000);
}

Result<imaging::Preprocess> ResolvePreprocess(const PreprocessFlags& flags,
                                              const std::string& folder) {
  imaging::Preprocess p;
  const std::string beside = (fs::path(folder) / "preprocess.json").string();
  std::error_code ignored;
  if (!flags.file.empty()) {
    SKIFF_ASSIGN_OR_RETURN(p, imaging::ReadPreprocessJson(flags.file));
  } else if (fs::exists(beside, ignored)) {
    SKIFF_ASSIGN_OR_RETURN(p, imaging::ReadPreprocessJson(beside));
  }
  if (flags.resize_short) {
    p.resize_short = *flags.resize_short;
    p.resize_height = p.resize_width = 0;
  }
  if (flags.resize) {
    p.resize_height = (*flags.resize)[0];
    p.resize_width = (*flags.resize)[1];
  }
  p.interpolation = flags.interpolation.value_or(p.interpolation);
  p.crop_size = flags.crop_size.value_or(p.crop_size);
  p.scale = flags.scale.value_or(p.scale);
  p.mean = flags.mean.value_or(p.mean);
  p.std = flags.std.value_or(p.std);
  p.channel_order = flags.channel_order.value_or(p.channel_order);
  p.label_offset = flags.label_offset.value_or(p.label_offset);
  SKIFF_RETURN_IF_ERROR(imaging::Validate(p));
  return p;
}

void AddJsonFlag(Verb& verb, bool& json) {
  verb.Switch({"--json", "", "Answer in JSON on standard output"}, json);
}

}  // namespace skiff::cli
