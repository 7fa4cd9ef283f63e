#include <iostream>

#include "paddle_inference_api.h"

int main() {
  std::cout << paddle_infer::GetVersion();
  return 0;
}
