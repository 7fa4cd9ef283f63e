#!/usr/bin/env bash
# From a fresh clone to labels: installs what is missing, builds Skiff, and classifies the bundled pictures
# with MobileNetV2 in FP32 and in INT8, with both times.
set -euo pipefail
cd "$(dirname "$0")/.."

skiff=build/demo/skiff
labels=data/imagenet_labels.txt

# classify MODEL PRECISION: a line "picture<TAB>milliseconds<TAB>score<TAB>label<TAB>name" for each picture.
classify() {
  "$skiff" run --model_dir "$1" --precision "$2" --labels "$labels" data/pictures/*.png | awk '
    /\.png/ { sub(/.*\//, "", $1); picture = $1; ms = $2; sub(/\(/, "", ms); next }
    picture != "" && $2 ~ /^[0-9]+$/ {
      name = $0
      sub(/^ *[0-9.]+ +[0-9]+ +/, "", name)
      sub(/,.*/, "", name)
      print picture "\t" ms "\t" $1 "\t" $2 "\t" name
      picture = ""
    }'
}

# table FP32_LINES INT8_LINES: both answers and the label in data/pictures/credits.csv, picture by picture.
table() {
  awk -F '\t' '
    BEGIN {
      format = "%-22s  %-18s  %-18s %5s %7s  %-18s %5s %7s\n"
      printf format, "picture", "label", "FP32", "score", "ms", "INT8", "score", "ms"
    }
    FILENAME ~ /labels/ { name = $0; sub(/^[^ ]* /, "", name); sub(/,.*/, "", name); names[FNR - 1] = name; next }
    FILENAME ~ /credits/ { split($0, column, ","); truth[column[1]] = column[2]; next }
    !($1 in fp32) { fp32[$1] = $0; next }
    {
      split(fp32[$1], f)
      printf format, $1, names[truth[$1]], f[5], sprintf("%.2f", f[3]), sprintf("%.1f", f[2]),
        $5, sprintf("%.2f", $3), sprintf("%.1f", $2)
      count++
      right_fp32 += f[4] == truth[$1]; right_int8 += $4 == truth[$1]
    }
    END {
      printf "\nRight: FP32 %d of %d, INT8 %d of %d.\n", right_fp32, count, right_int8, count
    }' "$labels" data/pictures/credits.csv - <<<"$1"$'\n'"$2"
}

# latency MODEL PRECISION: the median time of a run in milliseconds; of single runs it says too little.
latency() {
  "$skiff" bench --model_dir "$1" --precision "$2" --warmup 10 --repeats 100 --json |
    sed -nE 's/.*"median_ms": *([0-9.]+).*/\1/p'
}

scripts/install_deps.sh build
cmake --preset demo
cmake --build --preset demo --target skiff

echo
echo "MobileNetV2, models/mobilenet_v2 in FP32 and models/mobilenet_v2_int8 in INT8, one thread:"
echo
fp32=$(classify models/mobilenet_v2 fp32)
int8=$(classify models/mobilenet_v2_int8 int8)
table "$fp32" "$int8"
awk -v fp32="$(latency models/mobilenet_v2 fp32)" -v int8="$(latency models/mobilenet_v2_int8 int8)" 'BEGIN {
  printf "Median of 100 runs: FP32 %.1f ms, INT8 %.1f ms, %.1f times as fast.\n", fp32, int8, fp32 / int8 }'
echo
echo "Next: $skiff explain --model_dir models/mobilenet_v2_int8; $skiff help"
