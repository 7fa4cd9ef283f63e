#!/usr/bin/env bash
# From a fresh clone to labels: installs what is missing, builds Skiff, and classifies the bundled pictures
# with MobileNetV2 in FP32 and in INT8, with both times.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh build
cmake --preset demo
cmake --build --preset demo

for precision in fp32 int8; do
  model=models/mobilenet_v2
  [[ $precision == int8 ]] && model=models/mobilenet_v2_int8
  build/demo/skiff run --model_dir "$model" --precision "$precision" --labels data/imagenet_labels.txt \
    data/pictures/*.png
done
