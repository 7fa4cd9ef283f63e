#include "formats/calibration_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/file.h"
#include "formats/test_models.h"

namespace skiff::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(CalibrationTable, LinesAsPaddleReadsThem) {
  EXPECT_THAT(ParseCalibrationTable("conv2d_0.tmp_0 6.255840301513672\n"
                                    "a 1\r\n"
                                    "b  2.5 trailing\n"
                                    "no_threshold\n"
                                    "c 0\nd nan\ne inf\nf -3\ng x\nh 1e999\n"
                                    "a 1.5e-1\n"
                                    "last +4"),
              ElementsAre(Pair("a", 0.15), Pair("b", 2.5),
                          Pair("conv2d_0.tmp_0", 6.255840301513672), Pair("last", 4.0)));
  EXPECT_THAT(ParseCalibrationTable(""), IsEmpty());
  EXPECT_THAT(ParseCalibrationTable("\n \n\n"), IsEmpty());
}

TEST(CalibrationTable, Files) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFile(folder / "table.txt", "x 3\n").ok());
  const Result<CalibrationTable> table = ReadCalibrationTable(folder / "table.txt");
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  EXPECT_EQ(table->at("x"), 3.0);
  EXPECT_EQ(ReadCalibrationTable(folder / "none").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFile(folder / "table.txt", "nothing\n").ok());
  EXPECT_EQ(ReadCalibrationTable(folder / "table.txt").status().code(), StatusCode::kCorruption);
}

TEST(CalibrationTable, AnyBytesAreRead) {
  Mutator mutate(3);
  for (int i = 0; i < 500; ++i) {
    for (const auto& [name, threshold] :
         ParseCalibrationTable(mutate("abc 1.5\nb 2e3\ncd 7 8\n"))) {
      EXPECT_GT(threshold, 0) << name;
    }
  }
}

}  // namespace
}  // namespace skiff::formats
