#!/usr/bin/env bash
# The flags and the lines of demos/mkldnn_quant.
#
#   tests/install/mkldnn_quant_test.sh PATH/TO/sample_tester PATH/TO/sample_tester_fake_data PATH/TO/skiff
set -euo pipefail

tester=$(realpath "$1")
dummy=$(realpath "$2")
skiff=$(realpath "$3")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "mkldnn_quant_test: $*" >&2
  exit 1
}

# expect PATTERN: a line of the last output.
expect() {
  grep --quiet --extended-regexp "$1" "$work/err" || fail "no line like '$1' in: $(cat "$work/err")"
}

tail -n +2 "$root/data/pictures/credits.csv" | cut -d, -f1,2 | tr ',' ' ' >"$work/list.txt"
pictures=$(wc -l <"$work/list.txt")
"$skiff" make_data --list "$work/list.txt" --data_dir "$root/data/pictures" --output_file "$work/data.bin"

float=$root/models/mobilenet_v2
"$tester" --infer_model="$float" --infer_data="$work/data.bin" --batch_size=4 --with_accuracy_layer=false \
  --use_analysis 2>"$work/err"
expect "^Total images in file: $pictures\$"
expect '^Warmup 2 batches$'
expect "^Model: $float\$"
expect '^====== num of threads: 1 ======$'
expect "^====== batch size: 4, iterations: $((pictures / 4))\$"
expect "^====== batch latency: [0-9.e+]+ms, number of samples: $((pictures / 4 * 4)), sample latency: [0-9.e+]+ms, fps: [0-9.e+]+ ======\$"
expect '^Top1 accuracy: [01]\.[0-9]{4}$'
expect '^Top5 accuracy: [01]\.[0-9]{4}$'
awk '/Top5/ { found = $3 > 0.8 } END { exit !found }' "$work/err" || fail "the accuracy is low: $(cat "$work/err")"

# A converted model runs in INT8 with use_analysis alone; run.sh finds the program in build/.
"$skiff" convert --quant_model_path "$root/models/mobilenet_v2_int8" --int8_model_save_path "$work/int8" >/dev/null
mkdir "$work/build"
cp "$root"/demos/mkldnn_quant/run*.sh "$work"
ln -s "$tester" "$dummy" "$work/build"
"$work/run.sh" "$work/int8" "$work/data.bin" 2 2>"$work/err"
expect ': int8 on '
expect '^====== num of threads: 2 ======$'
awk '/Top5/ { found = $3 > 0.8 } END { exit !found }' "$work/err" || fail "INT8: $(cat "$work/err")"
"$work/run_dummy.sh" "$work/int8" 1 2 2>"$work/err"
for line in Batch_latency Sample_latency FPS; do expect "^$line: [0-9.e+]+( ms)?\$"; done
"$tester" --infer_model "$root/models/mobilenet_v2_int8" --infer_data "$work/data.bin" --batch_size 4 --iterations 1 \
  --nowith_accuracy_layer --use_analysis --use_int8 --warmup_iter 0 2>"$work/err"
expect ': int8 on '

# The float model has no outputs for accuracy, and a cut file is no data file.
"$tester" --infer_model "$float" --infer_data "$work/data.bin" 2>"$work/err" && fail "labels are accepted"
head -c 1000000 "$work/data.bin" >"$work/cut.bin"
"$tester" --infer_model "$float" --infer_data "$work/cut.bin" 2>"$work/err" && fail "a cut file is accepted"
expect 'cut.bin: is no file of'
for wrong in "--infer_model" "--no_such_flag 1" "--infer_model m --infer_data d --batch_size 0" "--use_analysis=maybe" ""; do
  # shellcheck disable=SC2086
  "$tester" $wrong 2>"$work/err" && fail "'$wrong' is accepted"
  expect '^usage: '
done
echo "mkldnn_quant_test: all passed"
