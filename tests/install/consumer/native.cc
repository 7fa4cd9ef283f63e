// Skiff's own API: loads a model, runs it on zeros, prints how many classes it has.
#include <iostream>
#include <string>
#include <vector>

#include "skiff/session.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  skiff::ModelSource source;
  source.model_dir = argv[1];
  auto session = skiff::Session::Load(source, {});
  if (!session.ok()) {
    std::cerr << session.status().ToString() << std::endl;
    return 1;
  }
  const std::vector<float> zeros(3 * 32 * 32);
  const std::vector<int64_t> dims = {1, 3, 32, 32};
  if ((*session)->Output(0).ok()) return 3;  // nothing was run yet
  if (!(*session)->SetInput(0, skiff::DType::kFloat32, dims, zeros.data()).ok()) return 4;
  if (!(*session)->Run().ok()) return 5;
  const auto output = (*session)->Output(0);
  if (!output.ok()) return 6;
  std::cout << skiff::Name((*session)->precision()) << " " << (*output).dims[1] << std::endl;
  return skiff::InvalidArgument("x").WithContext("y").message() == "y: x" ? 0 : 7;
}
