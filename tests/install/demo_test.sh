#!/usr/bin/env bash
# The flags and the lines of demos/resnet50.
#
#   tests/install/demo_test.sh PATH/TO/resnet50_test
set -euo pipefail

demo=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "demo_test: $*" >&2
  exit 1
}

# lines COUNT ARGUMENTS...: the demo prints its time and that many classes.
lines() {
  local count=$1
  shift
  "$demo" "$@" >"$work/out" 2>"$work/err" || fail "$* failed: $(cat "$work/err")"
  head -1 "$work/out" | grep --quiet --extended-regexp '^run avg time is [0-9.e+]+ ms$' ||
    fail "$*: first line is $(head -1 "$work/out")"
  local i expected=""
  for ((i = 0; i < count; ++i)); do expected+="$((i * 100)) "; done
  [[ "$(tail -n +2 "$work/out" | sed -n 's/ : .*//p' | tr '\n' ' ')" == "$expected" ]] ||
    fail "$*: $(cat "$work/out")"
}

float=$root/models/mobilenet_v2
int8=$root/models/mobilenet_v2_int8
lines 10 --model_file "$float/inference.pdmodel" --params_file "$float/inference.pdiparams"
# Class 500 as Paddle 2.6.2 answers it.
awk '$1 == 500 && $2 == ":" { d = $3 / PADDLE - 1; found = d < 1e-3 && d > -1e-3 } END { exit !found }' \
  PADDLE=0.0003341983 "$work/out" || fail "class 500: $(cat "$work/out")"
lines 10 --model_dir="$int8" --warmup=1 --repeats=3 --threads=2
lines 20 -model_dir "$int8" -batch_size 2
cp "$work/out" "$work/int8"
lines 20 --model_dir "$int8" --batch_size 2 --nouse_int8
cmp --silent <(tail -n +2 "$work/int8") <(tail -n +2 "$work/out") && fail "--nouse_int8 changes nothing"
lines 10 --model_dir "$float" --use_ort
grep --quiet onnxruntime "$work/err" || fail "--use_ort says nothing"

echo "x 26" >"$work/table.txt"
lines 10 --model_file "$float/inference.pdmodel" --params_file "$float/inference.pdiparams" \
  --calibration_file "$work/table.txt"
"$demo" --model_dir "$float" --calibration_file "$work/none.txt" 2>"$work/err" && fail "a missing table is accepted"
grep --quiet none.txt "$work/err" || fail "the missing table is not named"
for wrong in "--model_dir" "--no_such_flag 1" "--model_dir $int8 --batch_size 0" "--model_dir $int8 --repeats x" ""; do
  # shellcheck disable=SC2086
  "$demo" $wrong >/dev/null 2>"$work/err" && fail "'$wrong' is accepted"
  grep --quiet usage: "$work/err" || fail "'$wrong' shows no usage"
done
echo "demo_test: all passed"
