#!/usr/bin/env bash
# Installs a build into a temporary folder and uses it as strangers do: a program in the style of Paddle's
# demos at each C++ standard, the resnet50 demo, and a project that finds the CMake package.
#
#   tests/install/install_test.sh BUILD_DIR
set -euo pipefail

build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cxx=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
model=$root/models/mobilenet_v2

fail() {
  echo "install_test: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$prefix" >/dev/null
library=$(find "$prefix/lib" -name 'libskiff.so.*.*' -type f)
[[ -f "$library" ]] || fail "no libskiff.so.X.Y.Z under $prefix/lib"

echo "== size and symbols"
bytes=$(stat --format=%s "$library")
echo "$(basename "$library"): $bytes bytes"
((bytes <= 5 << 20)) || fail "libskiff.so is over 5 MiB"
foreign=$(nm --dynamic --defined-only --format=posix "$library" | awk '{ print $1 }' |
  grep --invert-match --extended-regexp '^_Z(NK?|T[ISV]N)(5skiff|6paddle|12paddle_infer)' || true)
[[ -z "$foreign" ]] || fail "libskiff.so shows names that are not ours: $foreign"

echo "== headers"
for header in "$prefix"/paddle/include/*.h; do
  for std in 11 14 17 20; do
    "$cxx" -std=c++$std -Wall -Wextra -Wpedantic -Werror -fsyntax-only -include "$header" -x c++ /dev/null
  done
done
if grep --line-number --extended-regexp 'include.*(gflags|glog)|define (LOG|CHECK)|DEFINE_[a-z]+' "$prefix"/paddle/include/*.h; then
  fail "the headers speak of gflags or glog"
fi
echo '#include "paddle_inference_api.h"
std::unordered_set<int> set; int LOG = 0, CHECK = 0, VLOG = 0;' |
  "$cxx" -std=c++11 -fsyntax-only -I"$prefix/paddle/include" -x c++ -

echo "== a program in Paddle's layout"
expected="530 0.20065"  # what Paddle 2.6.2 answers
for std in 11 14 17 20; do
  "$cxx" -std=c++$std -O1 -Wall -Wextra -Werror -I"$prefix" "$here/paddle_program.cc" -o "$work/program" \
    -L"$prefix/paddle/lib" -lpaddle_inference -Wl,-rpath,"$prefix/paddle/lib"
  answer=$("$work/program" "$model/inference.pdmodel" "$model/inference.pdiparams")
  echo "C++$std: $answer"
  awk -v got="$answer" -v want="$expected" 'BEGIN {
    split(got, g); split(want, w); d = g[2] - w[2]
    exit !(g[1] == w[1] && d < 1e-4 && d > -1e-4) }' || fail "C++$std answers $answer, Paddle $expected"
done

echo "== demos/resnet50"
cmake -S "$root/demos/resnet50" -B "$work/demo" -DPADDLE_LIB="$prefix" -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
cmake --build "$work/demo" >/dev/null
"$root/tests/install/demo_test.sh" "$work/demo/resnet50_test"

echo "== demos/mkldnn_quant"
cmake -S "$root/demos/mkldnn_quant" -B "$work/tester" -DPADDLE_LIB="$prefix" -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
cmake --build "$work/tester" >/dev/null
"$root/tests/install/mkldnn_quant_test.sh" "$work/tester/sample_tester" "$work/tester/sample_tester_fake_data" \
  "$prefix/bin/skiff"

echo "== find_package"
cmake -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
cmake --build "$work/consumer" >/dev/null
answer=$("$work/consumer/native" "$root/models/mobilenet_v2_int8")
[[ "$answer" == "int8 1000" ]] || fail "the native consumer says $answer"
"$work/consumer/paddle_style" | grep --quiet '^version: '
echo "install_test: all passed"
