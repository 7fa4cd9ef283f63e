// .npz: zip archives of arrays, stored or deflated, whose sizes are said in two places.
#include "formats/npz.h"
#include "fuzz.h"
#include "program/blob.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  const program::Blob file = program::CopyToBlob(fuzz::Input(data, size).Bytes());
  const Result<formats::NamedTensors> tensors = formats::ParseNpz(file, "fuzz");
  if (!tensors.ok()) return 0;
  for (const auto& [name, tensor] : *tensors) {
    fuzz::Touch(name.data(), name.size());
    fuzz::Touch(tensor.data.bytes.data(), tensor.data.bytes.size());
  }
  return 0;
}
