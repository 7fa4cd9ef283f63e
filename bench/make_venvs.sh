#!/usr/bin/env bash
# Virtual environments for the peers, one for each set of packages that can live together.
#
#   bench/make_venvs.sh DIR
#
# DIR/paddle26   Paddle 2.6.2, whose INT8 Skiff takes the place of
# DIR/peers      ONNX Runtime and OpenVINO, and what makes their models: NNCF, and paddle2onnx, which needs a later Paddle
#
# Pinned: later versions of these break each other. An environment that was made completely stays as it is.
set -euo pipefail

paddle26=(paddlepaddle==2.6.2 numpy==1.26.4 protobuf==7.36.2 setuptools==65.5.0)
peers=(onnxruntime==1.31.1 openvino==2026.4.1 nncf==3.4.0 onnx==1.17.0 paddle2onnx==2.1.0 paddlepaddle==3.3.1
       onnx_graphsurgeon==0.6.1 ml_dtypes sympy)

make_venv() {
  local folder=$1
  shift
  if [[ -e "$folder/complete" ]]; then
    return
  fi
  if [[ -e "$folder" ]]; then
    echo "make_venvs: $folder is there, but not as this script leaves it; remove it first" >&2
    exit 1
  fi
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
  touch "$folder/complete"
}

if (($# != 1)); then
  echo "usage: $0 DIR" >&2
  exit 2
fi
mkdir -p "$1"
make_venv "$1/paddle26" "${paddle26[@]}"
make_venv "$1/peers" "${peers[@]}"
