// Damaged copies of a model: bytes changed, cut or repeated in either file, or a well-formed
// program that says something else. Deterministic: the same seed gives the same copy.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/program_writer.h"
#include "program/program.h"

namespace skiff::corruption {

struct ModelBytes {
  std::string program;
  std::string params;
};

// Where the records of a combined parameter file begin.
inline std::vector<size_t> RecordOffsets(const program::Program& program,
                                         const std::string& params) {
  std::vector<size_t> offsets;
  size_t at = 0;
  for (const std::string& name : program::ParameterNames(program)) {
    int32_t desc_bytes = 0;
    if (at + 20 > params.size()) break;
    std::memcpy(&desc_bytes, params.data() + at + 16, sizeof(desc_bytes));
    offsets.push_back(at);
    at += 20 + static_cast<size_t>(desc_bytes) + program.params.at(name).data.bytes.size();
  }
  return offsets;
}

class Damager {
 public:
  explicit Damager(uint32_t seed) : random_(seed) {}

  ModelBytes operator()(const program::Program& program, const ModelBytes& good) {
    ModelBytes bad = good;
    switch (Below(10)) {
      case 0: bad.program = Cut(bad.program); break;
      case 1:
      case 2: Flip(&bad.program, 0, bad.program.size()); break;
      case 3: bad.params = Cut(bad.params); break;
      case 4: FlipHeader(program, &bad.params); break;
      case 5: SpoilNumbers(program, &bad.params); break;
      default: bad.program = Rewrite(program); break;
    }
    return bad;
  }

 private:
  using AttrValue = program::AttrValue;

  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  // A stretch missing, a stretch twice, or the end missing.
  std::string Cut(std::string bytes) {
    const size_t at = Below(bytes.size());
    switch (Below(3)) {
      case 0: return bytes.erase(at, 1 + Below(16));
      case 1: return bytes.insert(at, bytes.substr(at, 1 + Below(256)));
      default: return bytes.substr(0, at);
    }
  }

  void Flip(std::string* bytes, size_t begin, size_t end) {
    if (begin >= end) return;
    for (size_t n = 1 + Below(4); n > 0; --n) {
      (*bytes)[begin + Below(end - begin)] = static_cast<char>(Below(256));
    }
  }

  // Flips in the data of a tensor change numbers, those in a header what the tensor is.
  void FlipHeader(const program::Program& program, std::string* params) {
    const std::vector<size_t> offsets = RecordOffsets(program, *params);
    if (offsets.empty()) return;
    const size_t begin = offsets[Below(offsets.size())];
    Flip(params, begin, std::min(begin + 36, params->size()));
  }

  // Numbers that no training gives, in one tensor: a scale of zero, a weight that is not a number.
  void SpoilNumbers(const program::Program& program, std::string* params) {
    const std::vector<size_t> offsets = RecordOffsets(program, *params);
    if (offsets.empty()) return;
    const size_t record = Below(offsets.size());
    const size_t end = record + 1 < offsets.size() ? offsets[record + 1] : params->size();
    const auto number = static_cast<float>(Real());
    size_t begin = end - std::min(end - offsets[record], (1 + Below(64)) * sizeof(number));
    for (begin = std::max(begin, offsets[record] + 24); begin + sizeof(number) <= end;
         begin += sizeof(number)) {
      std::memcpy(params->data() + begin, &number, sizeof(number));
    }
  }

  // The program with one to three of its statements changed.
  std::string Rewrite(program::Program program) {
    for (size_t n = 1 + Below(3); n > 0; --n) {
      program::Block& block = program.blocks[Below(program.blocks.size())];
      if (block.ops.empty()) continue;
      const size_t at = Below(block.ops.size());
      program::OpDesc& op = block.ops[at];
      switch (Below(10)) {
        case 0: block.ops.erase(block.ops.begin() + static_cast<ptrdiff_t>(at)); break;
        case 1: block.ops.insert(block.ops.begin() + static_cast<ptrdiff_t>(at), op); break;
        case 2: std::swap(op, block.ops[Below(block.ops.size())]); break;
        case 3: op.type = block.ops[Below(block.ops.size())].type; break;
        case 4: Rewire(Below(2) ? &op.inputs : &op.outputs, block); break;
        case 5: ChangeVar(&block); break;
        default:
          if (!op.attributes.empty()) {
            ChangeValue(&op.attributes[Below(op.attributes.size())].value);
          }
      }
    }
    Result<std::string> bytes = formats::SerializeProgram(program);
    return bytes.ok() ? *std::move(bytes) : std::string();
  }

  void Rewire(std::vector<program::Argument>* arguments, const program::Block& block) {
    if (arguments->empty()) return;
    program::Argument& argument = (*arguments)[Below(arguments->size())];
    if (argument.names.empty() || Below(4) == 0) {
      argument.names.clear();
    } else if (!block.vars.empty()) {
      argument.names[Below(argument.names.size())] = block.vars[Below(block.vars.size())].name;
    }
  }

  void ChangeVar(program::Block* block) {
    if (block->vars.empty()) return;
    program::VarDesc& var = block->vars[Below(block->vars.size())];
    var.raw_type.clear();
    if (var.dims.empty() || Below(4) == 0) {
      var.dtype = static_cast<DType>(Below(30));
    } else {
      var.dims[Below(var.dims.size())] = Integer();
    }
  }

  int64_t Integer() {
    const int64_t choices[] = {0,
                               1,
                               -1,
                               2,
                               7,
                               -2,
                               1000,
                               100000,
                               std::numeric_limits<int32_t>::max(),
                               std::numeric_limits<int32_t>::min(),
                               std::numeric_limits<int64_t>::max(),
                               static_cast<int64_t>(Below(64))};
    return choices[Below(std::size(choices))];
  }

  double Real() {
    const double choices[] = {0,
                              -1,
                              1e-30,
                              1e38,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
    return choices[Below(std::size(choices))];
  }

  template <typename T, typename Make>
  void ChangeList(std::vector<T>* list, const Make& make) {
    if (list->empty() || Below(4) == 0) {
      list->resize(Below(10));
    } else {
      (*list)[Below(list->size())] = make();
    }
  }

  void ChangeValue(AttrValue* value) {
    if (auto* i = std::get_if<int32_t>(value)) *i = static_cast<int32_t>(Integer());
    if (auto* l = std::get_if<int64_t>(value)) *l = Integer();
    if (auto* f = std::get_if<float>(value)) *f = static_cast<float>(Real());
    if (auto* d = std::get_if<double>(value)) *d = Real();
    if (auto* b = std::get_if<bool>(value)) *b = !*b;
    if (auto* s = std::get_if<std::string>(value)) *s = Below(2) ? "NHWC" : "";
    if (auto* ints = std::get_if<std::vector<int32_t>>(value)) {
      ChangeList(ints, [this] { return static_cast<int32_t>(Integer()); });
    }
    if (auto* longs = std::get_if<std::vector<int64_t>>(value)) {
      ChangeList(longs, [this] { return Integer(); });
    }
    if (auto* floats = std::get_if<std::vector<float>>(value)) {
      ChangeList(floats, [this] { return static_cast<float>(Real()); });
    }
  }

  std::mt19937 random_;
};

}  // namespace skiff::corruption
