#!/usr/bin/env bash
# run.sh MODEL_DIR DATA_FILE [num_threads=1] [with_accuracy_layer=false] [with_analysis=true]
set -euo pipefail
if (($# < 2)); then
  sed -n '2s/^# /usage: /p' "$0" >&2
  exit 2
fi
export GLOG_logtostderr=1
exec "$(dirname "$0")/build/sample_tester" --infer_model="$1" --infer_data="$2" --batch_size=1 \
  --num_threads="${3:-1}" --iterations=0 --with_accuracy_layer="${4:-false}" --use_analysis="${5:-true}"
