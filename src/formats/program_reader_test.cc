#include "formats/program_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "formats/limits.h"
#include "formats/program_writer.h"
#include "formats/test_models.h"
#include "program/attributes.h"

namespace skiff::formats {
namespace {

namespace fs = std::filesystem;
using program::AttrType;
using program::Program;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Writer = protozero::pbf_writer;

Result<Program> Read(const std::string& bytes) { return ReadProgram(AsBytes(bytes), "m.pdmodel"); }

std::string Failure(const std::string& bytes) {
  const Result<Program> program = Read(bytes);
  return program.ok() ? "read without failure" : std::string(program.status().message());
}

std::string Attr(const std::string& name, AttrType type) {
  std::string message;
  Writer writer(message);
  writer.add_string(1, name);
  writer.add_enum(2, static_cast<int32_t>(type));
  return message;
}

std::string Block(const std::string& fields = "", int32_t idx = 0, int32_t parent = -1) {
  std::string message;
  Writer writer(message);
  writer.add_int32(1, idx);
  writer.add_int32(2, parent);
  return message + fields;
}

std::string Field(uint32_t tag, const std::string& message) {
  std::string field;
  Writer(field).add_message(tag, message);
  return field;
}

// A program of one operator with one attribute.
std::string WithAttr(const std::string& attr) {
  std::string op;
  Writer(op).add_string(3, "conv2d");
  return Field(1, Block(Field(4, op + Field(4, attr))));
}

std::string WithVar(const std::string& var) { return Field(1, Block(Field(3, var))); }

std::string DenseVar(const std::string& tensor_desc) {
  std::string type;
  Writer(type).add_enum(1, 7);
  type += Field(3, Field(1, tensor_desc));
  std::string var;
  Writer(var).add_string(1, "x");
  return var + Field(2, type);
}

std::vector<std::string> ProgramFiles() {
  std::vector<std::string> files;
  for (const std::string& folder : GoldenFolders()) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const fs::path& path = entry.path();
      if (path.extension() == ".pdmodel" || path.filename() == "__model__") {
        files.push_back(path.string());
      }
    }
  }
  return files;
}

void ExpectEqual(const Program& a, const Program& b) {
  EXPECT_TRUE(a.blocks == b.blocks);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.unknown, b.unknown);
}

TEST(ProgramReader, PaddlesFilesComeBackByteForByte) {
  const std::vector<std::string> files = ProgramFiles();
  EXPECT_EQ(files.size(), 21u);
  for (const std::string& file : files) {
    const std::string bytes = ReadText(file);
    const Result<Program> program = ReadProgram(AsBytes(bytes), file);
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    const Result<std::string> written = SerializeProgram(*program);
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    EXPECT_TRUE(*written == bytes) << file;
  }
}

TEST(ProgramReader, ReadsWhatThePaddleFileHas) {
  const std::string bytes = ReadText(GoldenFolder("q26_onnx") + "/inference.pdmodel");
  const Result<Program> program = Read(bytes);
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  EXPECT_EQ(program->version, 2006002);
  EXPECT_EQ(program->source, "m.pdmodel");
  ASSERT_EQ(program->blocks.size(), 1u);
  const program::Block& block = program->blocks[0];
  EXPECT_EQ(block.parent_idx, -1);
  const auto conv = std::find_if(block.ops.begin(), block.ops.end(),
                                 [](const auto& op) { return op.type == "conv2d"; });
  ASSERT_NE(conv, block.ops.end());
  EXPECT_THAT(program::FindArgument(conv->inputs, "Filter")->names.size(), 1u);
  program::AttributeReader attributes(conv->attributes);
  EXPECT_THAT(attributes.Ints("strides", {}), ElementsAre(1, 1));
  EXPECT_EQ(attributes.String("data_format", ""), "NCHW");
  EXPECT_TRUE(attributes.status().ok());
  const auto input = std::find_if(block.vars.begin(), block.vars.end(),
                                  [](const auto& var) { return var.need_check_feed.has_value(); });
  ASSERT_NE(input, block.vars.end());
  EXPECT_EQ(input->dtype, DType::kFloat32);
  EXPECT_EQ(input->dims.front(), -1);
}

TEST(ProgramReader, PackedAndUnpackedListsAreTheSame) {
  std::string packed = Attr("a", AttrType::kInts);
  const std::vector<int32_t> ints = {3, -1, 1 << 30};
  Writer(packed).add_packed_int32(6, ints.begin(), ints.end());
  std::string unpacked = Attr("a", AttrType::kInts);
  for (const int32_t i : ints) Writer(unpacked).add_int32(6, i);
  const Result<Program> a = Read(WithAttr(packed));
  const Result<Program> b = Read(WithAttr(unpacked));
  ASSERT_TRUE(a.ok() && b.ok());
  ExpectEqual(*a, *b);
  EXPECT_EQ(std::get<std::vector<int32_t>>(a->blocks[0].ops[0].attributes[0].value), ints);
  EXPECT_EQ(*SerializeProgram(*a), WithAttr(unpacked));

  std::string floats = Attr("a", AttrType::kFloats);
  const std::vector<float> values = {0.5f, -2.0f};
  Writer(floats).add_packed_float(7, values.begin(), values.end());
  const Result<Program> c = Read(WithAttr(floats));
  ASSERT_TRUE(c.ok());
  EXPECT_EQ(std::get<std::vector<float>>(c->blocks[0].ops[0].attributes[0].value), values);
  std::string torn = Attr("a", AttrType::kFloats);
  Writer(torn).add_string(7, "12345");
  EXPECT_EQ(Failure(WithAttr(torn)),
            "m.pdmodel: blocks[0].ops[0].attrs[0].value: packed list has 5 bytes");
}

TEST(ProgramReader, TheTypeMayStandBehindTheValue) {
  std::string attr;
  Writer writer(attr);
  writer.add_int32(3, 41);  // an INT's value field, not a LONG's: kept as unknown
  writer.add_int64(13, 42);
  writer.add_enum(2, static_cast<int32_t>(AttrType::kLong));
  writer.add_string(1, "a");
  const Result<Program> program = Read(WithAttr(attr));
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  const program::Attribute& attribute = program->blocks[0].ops[0].attributes[0];
  EXPECT_EQ(std::get<int64_t>(attribute.value), 42);
  EXPECT_EQ(attribute.unknown, std::string("\x18\x29", 2));
}

TEST(ProgramReader, EveryAttributeTypeComesBack) {
  Program program;
  program.blocks.resize(1);
  program::OpDesc& op = program.blocks[0].ops.emplace_back();
  op.type = "all";
  using program::Scalar;
  const std::vector<program::AttrValue> values = {
      int32_t{-5},
      1.5f,
      std::string("text"),
      std::vector<int32_t>{1, -2},
      std::vector<float>{0.25f},
      std::vector<std::string>{"", "b"},
      true,
      std::vector<bool>{true, false},
      std::monostate(),
      int64_t{-1} << 40,
      std::monostate(),
      std::vector<int64_t>{int64_t{1} << 62},
      std::vector<double>{1e300},
      std::string("v"),
      std::vector<std::string>{"v", "w"},
      -1e-300,
      Scalar{.kind = Scalar::Kind::kComplex128, .r = 1, .imaginary = -2},
      std::vector<Scalar>{{.kind = Scalar::Kind::kBoolean, .b = true},
                          {.kind = Scalar::Kind::kLong, .i = -7},
                          {.kind = Scalar::Kind::kFloat64, .r = 0.5}}};
  for (size_t type = 0; type < values.size(); ++type) {
    if (type == 8 || type == 10) continue;  // blocks: see SubBlocks
    op.attributes.push_back(
        {"a" + std::to_string(type), static_cast<AttrType>(type), values[type], ""});
    op.attributes.push_back({"none", static_cast<AttrType>(type), {}, ""});
  }
  const Result<std::string> bytes = SerializeProgram(program);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const Result<Program> read = Read(*bytes);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ExpectEqual(*read, program);
}

TEST(ProgramWriter, RefusesAValueOfAnotherType) {
  Program program;
  program.source = "m.pdmodel";
  program.blocks.resize(1);
  program.blocks[0].ops.push_back(
      {"conv2d", {}, {}, {{"groups", AttrType::kInt, int64_t{1}, ""}}, {}, ""});
  EXPECT_EQ(SerializeProgram(program).status().message(),
            "m.pdmodel: operator conv2d: attribute groups: the value is not of the attribute's "
            "type");
}

TEST(ProgramReader, UnknownFieldsAreKeptInPlace) {
  // Field 3 of models of Paddle 1.6, the version with an unknown field of its own, fields 5 and 9.
  std::string version;
  Writer(version).add_int64(1, 1006000);
  std::string bytes = Field(1, Block()) + Field(3, "op compat map") + Field(4, version);
  Writer writer(bytes);
  writer.add_fixed32(5, 7);
  writer.add_int64(900, 1);
  const Result<Program> program = Read(bytes);
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  EXPECT_EQ(*SerializeProgram(*program), bytes);

  std::string more = version;
  Writer(more).add_int64(2, 5);
  const Result<Program> odd = Read(Field(1, Block()) + Field(4, more));
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->version, 1006000);
  const Result<Program> again = Read(*SerializeProgram(*odd));
  ASSERT_TRUE(again.ok());
  ExpectEqual(*again, *odd);
}

TEST(ProgramReader, VarTypeIsRebuiltAfterAnEdit) {
  std::string desc;
  Writer writer(desc);
  writer.add_enum(1, 5);
  writer.add_int64(2, -1);
  writer.add_int64(2, 3);
  const std::string bytes = WithVar(DenseVar(desc));
  Result<Program> program = Read(bytes);
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  program::VarDesc& var = program->blocks[0].vars[0];
  EXPECT_THAT(var.dims, ElementsAre(-1, 3));
  var.raw_type.clear();
  EXPECT_EQ(*SerializeProgram(*program), bytes);
  var.dtype = DType::kInt8;
  const Result<Program> edited = Read(*SerializeProgram(*program));
  ASSERT_TRUE(edited.ok());
  EXPECT_EQ(edited->blocks[0].vars[0].dtype, DType::kInt8);
}

TEST(ProgramReader, ErrorsNameTheField) {
  EXPECT_EQ(Failure(""), "m.pdmodel: has no blocks: not a Paddle program");
  EXPECT_EQ(Failure(WithAttr(Attr("a", static_cast<AttrType>(99)))),
            "m.pdmodel: blocks[0].ops[0].attrs[0].type: value 99 is not an attribute type");
  EXPECT_EQ(Failure(WithVar("")), "m.pdmodel: blocks[0].vars[0].name: is missing");
  EXPECT_EQ(Failure(Field(1, "")), "m.pdmodel: blocks[0].idx: is missing");
  std::string wrong = Attr("a", AttrType::kInt);
  Writer(wrong).add_string(3, "x");
  EXPECT_EQ(Failure(WithAttr(wrong)),
            "m.pdmodel: blocks[0].ops[0].attrs[0].value: has protobuf wire type 2, not 0");
  EXPECT_THAT(Failure(Field(1, Block(std::string("\x22\x7f", 2)))),
              HasSubstr("m.pdmodel: blocks[0]: not a protobuf message"));
  std::string name;
  Writer(name).add_string(1, std::string(kMaxNameBytes + 1, 'x'));
  EXPECT_EQ(Failure(WithVar(name)),
            "m.pdmodel: blocks[0].vars[0].name: has 4097 characters, the limit is 4096");
}

TEST(ProgramReader, RankIsLimited) {
  std::string desc;
  Writer writer(desc);
  writer.add_enum(1, 5);
  for (int i = 0; i < 8; ++i) writer.add_int64(2, 1);
  EXPECT_TRUE(Read(WithVar(DenseVar(desc))).ok());
  writer.add_int64(2, 1);
  EXPECT_EQ(Failure(WithVar(DenseVar(desc))),
            "m.pdmodel: blocks[0].vars[0].type.dims: has rank 9, the limit is 8");
}

TEST(ProgramReader, SubBlocks) {
  const auto with_sub_block = [](int32_t id) {
    std::string attr = Attr("sub_block", AttrType::kBlock);
    Writer(attr).add_int32(12, id);
    return WithAttr(attr) + Field(1, Block("", 1, 0));
  };
  EXPECT_TRUE(Read(with_sub_block(1)).ok());
  EXPECT_EQ(Failure(with_sub_block(2)),
            "m.pdmodel: blocks[0].ops[0].attrs: attribute sub_block of conv2d refers to block 2 of "
            "2");
  EXPECT_THAT(Failure(with_sub_block(0)), HasSubstr("refers to block 0"));
  EXPECT_THAT(Failure(Field(1, Block("", 0, 0))), HasSubstr("blocks[0].parent_idx: is 0"));
  EXPECT_THAT(Failure(Field(1, Block("", 7))), HasSubstr("blocks[0].idx: is 7"));
}

TEST(ProgramReader, MemoryIsBounded) {
  // Two bytes in the file become a string in memory each.
  std::string argument;
  Writer(argument).add_string(1, "X");
  for (int i = 0; i < 9'000'000; ++i) argument.append("\x12\x00", 2);
  std::string op;
  Writer(op).add_string(3, "sum");
  EXPECT_THAT(Failure(Field(1, Block(Field(4, op + Field(1, argument))))),
              HasSubstr("would take too much memory"));
}

TEST(ProgramReader, DamagedFilesGiveErrorsOrPrograms) {
  int read = 0;
  int refused = 0;
  for (const std::string& file : ProgramFiles()) {
    const std::string bytes = ReadText(file);
    Mutator mutate(20261122);
    for (int i = 0; i < 200; ++i) {
      const Result<Program> program = Read(mutate(bytes));
      program.ok() ? ++read : ++refused;
      if (!program.ok()) {
        EXPECT_THAT(program.status().message(), HasSubstr("m.pdmodel: "));
        continue;
      }
      const Result<std::string> written = SerializeProgram(*program);
      ASSERT_TRUE(written.ok()) << written.status().ToString();
      const Result<Program> again = Read(*written);
      ASSERT_TRUE(again.ok()) << again.status().ToString();
    }
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace skiff::formats
