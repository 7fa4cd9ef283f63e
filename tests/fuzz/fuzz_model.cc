// A whole model, read, compiled and run: a byte for the precision, the program with its length
// before it, then the parameters. Memory is bounded by the options, time by what Skiff refuses to
// compute (scripts/fuzz.sh: -timeout).
#include <memory>
#include <vector>

#include "base/status.h"
#include "fuzz.h"
#include "skiff/session.h"

namespace skiff::fuzz {
namespace {

constexpr size_t kMemory = size_t{64} << 20;
constexpr int64_t kMaxInputBytes = int64_t{1} << 20;

// Extents as declared; 1 for a free batch and 16 for other free extents. Empty when they are too
// large to be filled here.
std::vector<std::byte> MakeInput(const TensorInfo& info, std::vector<int64_t>* dims) {
  *dims = info.dims;
  auto bytes = static_cast<int64_t>(SizeOf(info.dtype));
  for (size_t i = 0; i < dims->size(); ++i) {
    int64_t& extent = (*dims)[i];
    if (extent < 0) extent = i == 0 ? 1 : 16;
    if (__builtin_mul_overflow(bytes, extent, &bytes) || bytes > kMaxInputBytes) return {};
  }
  std::vector<std::byte> data(static_cast<size_t>(bytes));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 37 & 0x3F);
  return data;
}

Status LoadAndRun(const ModelSource& source, Precision precision) {
  SessionOptions options;
  options.precision = precision;
  options.memory_limit = kMemory;
  options.warm_up = false;
  SKIFF_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::Load(source, options));
  std::vector<std::vector<std::byte>> inputs;
  for (size_t i = 0; i < session->inputs().size(); ++i) {
    const TensorInfo& info = session->inputs()[i];
    std::vector<int64_t> dims;
    inputs.push_back(MakeInput(info, &dims));
    if (inputs.back().empty()) return InvalidArgument("input " + info.name + " is empty or large");
    SKIFF_RETURN_IF_ERROR(session->SetInput(i, info.dtype, dims, inputs.back().data()));
  }
  SKIFF_RETURN_IF_ERROR(session->Run());
  for (size_t i = 0; i < session->outputs().size(); ++i) {
    SKIFF_ASSIGN_OR_RETURN(const TensorView view, session->Output(i));
    Touch(view.data, view.bytes);
  }
  (void)session->Layers();
  Require(session->activation_bytes() <= kMemory, "activations over the memory limit");
  return OkStatus();
}

}  // namespace
}  // namespace skiff::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using skiff::Precision;
  constexpr Precision kPrecisions[] = {Precision::kInt8, Precision::kFp32, Precision::kSimulate};
  skiff::fuzz::Input input(data, size);
  const Precision precision = kPrecisions[input.Byte() % 3];
  const auto program = input.Part();
  (void)skiff::fuzz::LoadAndRun({.model_buffer = program, .params_buffer = input.Bytes()},
                                precision);
  return 0;
}
