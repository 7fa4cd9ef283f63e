#include "program/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "program/attributes.h"

namespace skiff::program {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

VarDesc Var(std::string name, VarKind kind, std::optional<bool> persistable) {
  VarDesc var;
  var.name = std::move(name);
  var.kind = kind;
  var.persistable = persistable;
  return var;
}

Attribute Attr(std::string name, AttrType type, AttrValue value = {}) {
  return {std::move(name), type, std::move(value), ""};
}

TEST(ParameterNames, SortedAsBytesWithoutFeedFetchAndOtherBlocks) {
  Program program;
  program.blocks.resize(2);
  program.blocks[0].vars = {Var("x_2", VarKind::kDenseTensor, true),
                            Var("x_10", VarKind::kDenseTensor, true),
                            Var("feed", VarKind::kFeedMinibatch, true),
                            Var("fetch", VarKind::kFetchList, true),
                            Var("\xc3\xa9", VarKind::kDenseTensor, true),
                            Var("x_1", VarKind::kDenseTensor, true),
                            Var("t", VarKind::kDenseTensor, false),
                            Var("u", VarKind::kDenseTensor, std::nullopt),
                            Var("raw", VarKind::kRaw, true),
                            Var("reader", VarKind::kReader, true),
                            Var("x_1", VarKind::kDenseTensor, true)};
  program.blocks[1].vars = {Var("inner", VarKind::kDenseTensor, true)};
  EXPECT_THAT(ParameterNames(program), ElementsAre("x_1", "x_10", "x_2", "\xc3\xa9"));
  EXPECT_THAT(ParameterNames(Program()), IsEmpty());
}

TEST(FindAttribute, LastOccurrenceWins) {
  const std::vector<Attribute> attributes = {Attr("a", AttrType::kInt, int32_t{1}),
                                             Attr("b", AttrType::kInt, int32_t{2}),
                                             Attr("a", AttrType::kInt, int32_t{3})};
  ASSERT_NE(FindAttribute(attributes, "a"), nullptr);
  EXPECT_EQ(std::get<int32_t>(FindAttribute(attributes, "a")->value), 3);
  EXPECT_EQ(FindAttribute(attributes, "c"), nullptr);
}

TEST(FindArgument, BySlot) {
  const std::vector<Argument> arguments = {{"X", {"x0", "x1"}, ""}, {"Y", {}, ""}};
  EXPECT_THAT(FindArgument(arguments, "X")->names, ElementsAre("x0", "x1"));
  EXPECT_THAT(FindArgument(arguments, "Y")->names, IsEmpty());
  EXPECT_EQ(FindArgument(arguments, "Z"), nullptr);
}

TEST(AttributeReader, IntegersStandForEachOther) {
  const std::vector<Attribute> attributes = {
      Attr("i", AttrType::kInt, int32_t{-7}),
      Attr("l", AttrType::kLong, int64_t{1} << 40),
      Attr("t", AttrType::kBoolean, true),
      Attr("f", AttrType::kBoolean, false),
      Attr("s", AttrType::kScalar, Scalar{.kind = Scalar::Kind::kLong, .i = 5}),
      Attr("d", AttrType::kScalar, Scalar{.kind = Scalar::Kind::kFloat64, .r = 6.0}),
      Attr("block", AttrType::kBlock, int32_t{2})};
  AttributeReader reader(attributes);
  EXPECT_EQ(reader.Int("i", 0), -7);
  EXPECT_EQ(reader.Int("l", 0), int64_t{1} << 40);
  EXPECT_EQ(reader.Int("t", 0), 1);
  EXPECT_EQ(reader.Int("s", 0), 5);
  EXPECT_EQ(reader.Int("d", 0), 6);
  EXPECT_EQ(reader.Int("block", 0), 2);
  EXPECT_TRUE(reader.Bool("i", false));
  EXPECT_TRUE(reader.Bool("l", false));
  EXPECT_FALSE(reader.Bool("f", true));
  EXPECT_TRUE(reader.status().ok());
}

TEST(AttributeReader, FloatsAndLists) {
  const std::vector<Attribute> attributes = {
      Attr("f", AttrType::kFloat, 1.5f),
      Attr("d", AttrType::kFloat64, 2.5),
      Attr("s", AttrType::kScalar, Scalar{.kind = Scalar::Kind::kLong, .i = 3}),
      Attr("ints", AttrType::kInts, std::vector<int32_t>{1, -2}),
      Attr("longs", AttrType::kLongs, std::vector<int64_t>{int64_t{1} << 40}),
      Attr("floats", AttrType::kFloats, std::vector<float>{0.5f}),
      Attr("doubles", AttrType::kFloat64s, std::vector<double>{0.25}),
      Attr("scalars", AttrType::kScalars,
           std::vector<Scalar>{{.kind = Scalar::Kind::kLong, .i = 4},
                               {.kind = Scalar::Kind::kFloat64, .r = 8.0}}),
      Attr("text", AttrType::kString, std::string("SAME"))};
  AttributeReader reader(attributes);
  EXPECT_EQ(reader.Float("f", 0), 1.5f);
  EXPECT_EQ(reader.Float("d", 0), 2.5f);
  EXPECT_EQ(reader.Float("s", 0), 3.0f);
  EXPECT_THAT(reader.Ints("ints", {}), ElementsAre(1, -2));
  EXPECT_THAT(reader.Ints("longs", {}), ElementsAre(int64_t{1} << 40));
  EXPECT_THAT(reader.Ints("scalars", {}), ElementsAre(4, 8));
  EXPECT_THAT(reader.Floats("floats", {}), ElementsAre(0.5f));
  EXPECT_THAT(reader.Floats("doubles", {}), ElementsAre(0.25f));
  EXPECT_THAT(reader.Floats("scalars", {}), ElementsAre(4.0f, 8.0f));
  EXPECT_EQ(reader.String("text", ""), "SAME");
  EXPECT_TRUE(reader.status().ok()) << reader.status().ToString();
}

TEST(AttributeReader, MissingIsTheDefaultAndEmptyIsEmpty) {
  const std::vector<Attribute> attributes = {Attr("axes", AttrType::kInts),
                                             Attr("axis", AttrType::kInt)};
  AttributeReader reader(attributes);
  EXPECT_EQ(reader.Int("missing", 9), 9);
  EXPECT_TRUE(reader.Bool("missing", true));
  EXPECT_EQ(reader.Float("missing", 0.5f), 0.5f);
  EXPECT_EQ(reader.String("missing", "NCHW"), "NCHW");
  EXPECT_THAT(reader.Ints("missing", {1, 1}), ElementsAre(1, 1));
  EXPECT_THAT(reader.Ints("axes", {1, 1}), IsEmpty());
  EXPECT_EQ(reader.Int("axis", 9), 0);
  EXPECT_FALSE(reader.Has("missing"));
  EXPECT_TRUE(reader.Has("axes"));
  EXPECT_TRUE(reader.status().ok());
}

TEST(AttributeReader, KeepsTheFirstFailure) {
  const std::vector<Attribute> attributes = {Attr("strides", AttrType::kString, std::string("x")),
                                             Attr("groups", AttrType::kInts)};
  AttributeReader reader(attributes);
  EXPECT_THAT(reader.Ints("strides", {2, 2}), ElementsAre(2, 2));
  EXPECT_EQ(reader.Int("groups", 1), 1);
  EXPECT_EQ(reader.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.status().message(),
            "attribute strides: expected a list of integers, file has STRING");
}

TEST(AttributeReader, WrongTypesAreErrors) {
  const auto fails = [](const Attribute& attribute, auto read) {
    AttributeReader reader({&attribute, 1});
    read(reader);
    return !reader.status().ok();
  };
  const auto as_int = [](AttributeReader& r) { r.Int("a", 0); };
  const auto as_ints = [](AttributeReader& r) { r.Ints("a", {}); };
  const auto as_float = [](AttributeReader& r) { r.Float("a", 0); };
  const auto scalar = [](double r) {
    return Attr("a", AttrType::kScalar, Scalar{.kind = Scalar::Kind::kFloat64, .r = r});
  };
  EXPECT_TRUE(fails(Attr("a", AttrType::kFloat, 1.0f), as_int));
  EXPECT_TRUE(fails(Attr("a", AttrType::kVar, std::string("v")), as_int));
  EXPECT_TRUE(fails(Attr("a", AttrType::kInt, int32_t{1}), as_ints));
  EXPECT_TRUE(fails(Attr("a", AttrType::kInt, int32_t{1}), as_float));
  EXPECT_TRUE(fails(scalar(0.5), as_int));
  EXPECT_TRUE(fails(scalar(1e300), as_int));
  EXPECT_TRUE(fails(scalar(std::numeric_limits<double>::quiet_NaN()), as_int));
  EXPECT_FALSE(fails(scalar(-3.0), as_int));
}

}  // namespace
}  // namespace skiff::program
