#!/usr/bin/env bash
# run_dummy.sh MODEL_DIR [num_threads=1] [batch_size=1] [with_accuracy_layer=false] [with_analysis=true] [bfloat16=false]
set -euo pipefail
if (($# < 1)); then
  sed -n '2s/^# /usage: /p' "$0" >&2
  exit 2
fi
export GLOG_logtostderr=1
exec "$(dirname "$0")/build/sample_tester_fake_data" --infer_model="$1" --num_threads="${2:-1}" \
  --batch_size="${3:-1}" --with_accuracy_layer="${4:-false}" --use_analysis="${5:-true}" \
  --enable_mkldnn_bfloat16="${6:-false}"
