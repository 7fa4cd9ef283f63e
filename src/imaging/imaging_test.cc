// Every pixel against Pillow's and every float against numpy's (tests/golden/imaging/make.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "imaging/decode.h"
#include "imaging/imagenet_sample.h"
#include "imaging/preprocess.h"
#include "imaging/resize.h"

namespace skiff::imaging {
namespace {

using testing::HasSubstr;

const std::filesystem::path kGolden =
    std::filesystem::path(SKIFF_SOURCE_DIR) / "tests" / "golden" / "imaging";

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Image Read(const std::filesystem::path& path) {
  Result<Image> image = ReadImage(path.string());
  EXPECT_TRUE(image.ok()) << image.status().ToString();
  return image.ok() ? *image : Image{};
}

std::vector<std::filesystem::path> Files(const std::filesystem::path& folder,
                                         std::string_view extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int LargestDifference(const Image& image, const std::string& expected) {
  EXPECT_EQ(image.rgb.size(), expected.size());
  if (image.rgb.size() != expected.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(image.rgb[i] - static_cast<uint8_t>(expected[i])));
  }
  return largest;
}

TEST(Decode, PngOfEveryKindGivesPillowsPixels) {
  const auto files = Files(kGolden / "decode", ".png");
  ASSERT_GE(files.size(), 18U);
  for (auto path : files) {
    const Image image = Read(path);
    EXPECT_EQ(LargestDifference(image, Slurp(path.replace_extension(".rgb"))), 0) << path;
  }
}

// Versions of libjpeg-turbo may round the inverse DCT differently by one.
TEST(Decode, JpegOfEveryKindGivesPillowsPixelsWithinOne) {
  const auto files = Files(kGolden / "decode", ".jpg");
  ASSERT_GE(files.size(), 8U);
  for (auto path : files) {
    const Image image = Read(path);
    EXPECT_LE(LargestDifference(image, Slurp(path.replace_extension(".rgb"))), 1) << path;
  }
}

TEST(Decode, OrientationIsLeftAlone) {
  const Image rotated = Read(kGolden / "decode" / "rotated.jpg");
  EXPECT_EQ(rotated.width, 45);
  EXPECT_EQ(rotated.height, 35);
}

TEST(Decode, EveryTruncationIsAnErrorOrThePicture) {
  for (const char* name : {"rgb_8.png", "palette_4.png", "yuv420.jpg", "progressive.jpg"}) {
    const std::string whole = Slurp(kGolden / "decode" / name);
    const Result<Image> expected = DecodeImage(AsBytes(whole));
    ASSERT_TRUE(expected.ok());
    size_t failures = 0;
    for (size_t size = 0; size < whole.size(); ++size) {
      const Result<Image> image = DecodeImage(AsBytes(whole).first(size));
      failures += image.ok() ? 0 : 1;
      // A file that lacks no more than its end marker may pass, with all its pixels.
      if (image.ok()) {
        EXPECT_EQ(image->rgb, expected->rgb) << name << " cut to " << size << " bytes";
      }
    }
    EXPECT_GE(failures, whole.size() - 16) << name;
  }
}

TEST(Decode, FlippedBytesNeverCrash) {
  for (const char* name : {"rgba_16.png", "palette_2.png", "cmyk.jpg", "progressive.jpg"}) {
    const std::string whole = Slurp(kGolden / "decode" / name);
    for (size_t i = 0; i < whole.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        const Result<Image> image = DecodeImage(AsBytes(damaged));
        if (image.ok()) {
          EXPECT_EQ(image->rgb.size(), image->row_bytes() * static_cast<size_t>(image->height));
        } else {
          EXPECT_FALSE(image.status().message().empty());
        }
      }
    }
  }
}

TEST(Decode, RefusesAPictureThatIsTooLarge) {
  std::string png = Slurp(kGolden / "decode" / "rgb_8.png");
  // IHDR: width at byte 16; its CRC is wrong now, which the size check must come before or equal.
  png[17] = '\x01';
  EXPECT_FALSE(DecodeImage(AsBytes(png)).ok());
  for (const char* name : {"rgb_8.png", "grey.jpg"}) {
    const std::string file = Slurp(kGolden / "decode" / name);
    const Result<Image> whole = DecodeImage(AsBytes(file));
    ASSERT_TRUE(whole.ok());
    const int64_t pixels = int64_t{whole->width} * whole->height;
    EXPECT_TRUE(DecodeImage(AsBytes(file), pixels).ok());
    EXPECT_EQ(DecodeImage(AsBytes(file), pixels - 1).status().code(),
              StatusCode::kResourceExhausted);
  }
  std::string jpeg = Slurp(kGolden / "decode" / "grey.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i : {5U, 6U, 7U, 8U}) jpeg[frame + i] = '\xF0';  // 61,680 x 61,680
  const Result<Image> image = DecodeImage(AsBytes(jpeg));
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("61680 x 61680"));
}

TEST(Decode, NamesTheFile) {
  EXPECT_THAT(ReadImage("no/such.png").status().ToString(), HasSubstr("no/such.png"));
  const std::string text = (kGolden / "make.py").string();
  EXPECT_THAT(ReadImage(text).status().ToString(), HasSubstr("neither a JPEG nor a PNG"));
  EXPECT_FALSE(ReadImage(kGolden.string()).ok());
}

TEST(Resize, GivesPillowsBytes) {
  const Image source = Read(kGolden / "resize" / "source.png");
  const auto files = Files(kGolden / "resize", ".png");
  ASSERT_EQ(files.size(), 33U);
  for (const auto& path : files) {
    const std::string stem = path.stem().string();
    if (stem == "source") continue;
    const Image expected = Read(path);
    const Result<Interpolation> filter = ParseInterpolation(stem.substr(0, stem.find('_')));
    ASSERT_TRUE(filter.ok());
    const Result<Image> actual = Resize(source, expected.width, expected.height, *filter);
    ASSERT_TRUE(actual.ok()) << actual.status().ToString();
    EXPECT_EQ(actual->rgb, expected.rgb) << stem;
  }
}

TEST(Resize, RefusesSizesThatMakeNoSense) {
  const Image source = Read(kGolden / "resize" / "source.png");
  EXPECT_FALSE(Resize(source, 0, 5, Interpolation::kBilinear).ok());
  EXPECT_FALSE(Resize(source, 60000, 60000, Interpolation::kBilinear).ok());
  EXPECT_FALSE(ParseInterpolation("cubic").ok());
}

TEST(Preprocess, GivesNumpysFloats) {
  std::ifstream cases(kGolden / "preprocess" / "cases.txt");
  std::string line;
  int count = 0;
  while (std::getline(cases, line)) {
    const std::string name = line.substr(0, line.find(' '));
    const Result<Preprocess> preprocess = ParsePreprocessJson(line.substr(name.size()));
    ASSERT_TRUE(preprocess.ok()) << preprocess.status().ToString();
    for (const char* shape : {"wide", "tall"}) {
      const Result<Image> image =
          Fit(Read(kGolden / "preprocess" / (std::string(shape) + ".png")), *preprocess);
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      std::vector<float> actual(image->rgb.size());
      Normalise(*image, *preprocess, actual.data());
      const std::string bytes = Slurp(kGolden / "preprocess" / (name + "_" + shape + ".f32"));
      std::vector<float> expected(bytes.size() / sizeof(float));
      std::memcpy(expected.data(), bytes.data(), bytes.size());
      EXPECT_EQ(actual, expected) << name << " " << shape;
      ++count;
    }
  }
  EXPECT_EQ(count, 12);
}

TEST(ImageNetSample, GivesTheScriptsBytes) {
  for (const std::string shape : {"wide", "tall"}) {
    const Result<std::vector<float>> planes =
        ImageNetSample(Read(kGolden / "preprocess" / (shape + ".png")), 20, 14);
    ASSERT_TRUE(planes.ok()) << planes.status().ToString();
    const std::string bytes = Slurp(kGolden / "imagenet" / (shape + ".f32"));
    ASSERT_EQ(planes->size() * sizeof(float), bytes.size());
    EXPECT_EQ(std::memcmp(planes->data(), bytes.data(), bytes.size()), 0) << shape;
  }
}

TEST(Preprocess, CropLargerThanThePictureSaysSo) {
  Result<Image> image = NewImage(100, 90);
  ASSERT_TRUE(image.ok());
  Preprocess preprocess;
  preprocess.resize_short = 0;
  const Status status = Fit(*image, preprocess).status();
  EXPECT_THAT(status.ToString(), HasSubstr("crop_size 224 does not fit in a picture of 100 x 90"));
}

TEST(PreprocessJson, ReadsEveryKeyAndKeepsDefaults) {
  const Result<Preprocess> all = ParsePreprocessJson(R"({
      "resize_short": 1, "resize": [48, 192], "interpolation": "nearest", "crop_size": 3,
      "scale": 0.5, "mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "bgr",
      "label_offset": 1})");
  ASSERT_TRUE(all.ok()) << all.status().ToString();
  const Preprocess expected{1,    48,        192,       Interpolation::kNearest, 3,
                            0.5F, {1, 2, 3}, {4, 5, 6}, ChannelOrder::kBgr,      1};
  EXPECT_EQ(*all, expected);
  const Result<Preprocess> none = ParsePreprocessJson("{}");
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, Preprocess{});
}

TEST(PreprocessJson, NamesWhatIsWrong) {
  const auto message = [](std::string_view text) {
    return ParsePreprocessJson(text).status().ToString();
  };
  EXPECT_THAT(message(R"({"crop": 3})"), HasSubstr("unknown key \"crop\""));
  EXPECT_THAT(message(R"({"crop_size": "3"})"), HasSubstr("\"crop_size\" must be an integer"));
  EXPECT_THAT(message(R"({"crop_size": 1e99})"), HasSubstr("\"crop_size\""));
  EXPECT_THAT(message(R"({"crop_size": -1})"), HasSubstr("crop_size must be"));
  EXPECT_THAT(message(R"({"mean": [1, 2]})"), HasSubstr("\"mean\" must be 3 numbers"));
  EXPECT_THAT(message(R"({"std": [1, 0, 1]})"), HasSubstr("std must be"));
  EXPECT_THAT(message(R"({"resize": [1]})"), HasSubstr("\"resize\""));
  EXPECT_THAT(message(R"({"interpolation": "box"})"), HasSubstr("box"));
  EXPECT_THAT(message(R"({"channel_order": 1})"), HasSubstr("\"channel_order\" must be a string"));
  EXPECT_THAT(message("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(message("{"), HasSubstr("not a JSON object"));
  EXPECT_FALSE(ParsePreprocessJson(std::string(100000, '[')).ok());
}

}  // namespace
}  // namespace skiff::imaging
