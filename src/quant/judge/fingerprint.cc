#include "quant/judge/fingerprint.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

namespace skiff::quant {
namespace {

// FNV-1a, eight bytes at a time: no defence against malice, none is needed.
class Hash {
 public:
  void Add(std::span<const std::byte> bytes) {
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      Mix(word);
    }
    for (; i < bytes.size(); ++i) Mix(static_cast<uint64_t>(bytes[i]));
    Mix(bytes.size());
  }
  void Add(std::string_view text) { Add(std::as_bytes(std::span(text))); }
  void Mix(uint64_t word) { state_ = (state_ ^ word ^ (state_ >> 29)) * 0x100000001b3ULL; }
  [[nodiscard]] uint64_t value() const { return state_ ^ (state_ >> 32); }

 private:
  uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::string Fingerprint(const program::Program& program, const QuantizeOptions& options,
                        int64_t batches) {
  Hash hash;
  for (const program::OpDesc& op : program.blocks[0].ops) {
    hash.Add(op.type);
    for (const program::Argument& argument : op.outputs) {
      for (const std::string& name : argument.names) hash.Add(name);
    }
  }
  for (const auto& [name, tensor] : program.params) {
    hash.Add(name);
    hash.Add(tensor.data.bytes);
  }
  hash.Add(Name(options.algo));
  hash.Add(std::to_string(options.hist_percent));
  for (const std::string& type : options.quantizable_op_type) hash.Add(type);
  for (const std::string& name : options.skip_tensor_list) hash.Add("skip " + name);
  hash.Add(Name(options.round_type));
  for (bool flag : {options.weight_per_channel, options.equalize, options.bias_correction,
                    options.reconstruct}) {
    hash.Mix(flag ? 1 : 0);
  }
  hash.Mix(static_cast<uint64_t>(batches));
  if (options.evaluation != nullptr) {
    for (int64_t label : options.evaluation->labels) hash.Mix(static_cast<uint64_t>(label));
  }
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash.value()));
  return text.data();
}

}  // namespace skiff::quant
