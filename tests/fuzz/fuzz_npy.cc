// .npy: NumPy arrays as inputs, with their Python dict of a header.
#include "formats/npy.h"
#include "fuzz.h"
#include "program/blob.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  const program::Blob file = program::CopyToBlob(fuzz::Input(data, size).Bytes());
  const Result<program::Tensor> tensor = formats::ParseNpy(file, "fuzz");
  if (tensor.ok()) fuzz::Touch(tensor->data.bytes.data(), tensor->data.bytes.size());
  return 0;
}
