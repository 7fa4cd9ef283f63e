#!/usr/bin/env bash
# Fuzzes every reader of files and the command line: libFuzzer with the address and undefined-behaviour
# sanitizers, starting from the golden files of this repository.
#
#   scripts/fuzz.sh [SECONDS_PER_TARGET [TARGET...]]     60 seconds and all targets unless said
#
# An input that crashes, hangs or takes too much memory is kept in build/fuzz/findings/TARGET and makes the
# run fail; try one again with build/asan/fuzz_TARGET FILE. What was learned stays in build/fuzz/corpus, so
# that the next run goes on from there. tests/fuzz/README.md says how long each target has run.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift $(($# > 0 ? 1 : 0))
jobs=$(nproc)
out=build/fuzz

# Executions and the verdict go to standard output, in one line.
fuzz() {
  local target=$1 seconds=$2 out=$3
  local corpus=$out/corpus/$target findings=$out/findings/$target log=$out/$target.log
  mkdir -p "$corpus" "$findings"
  local verdict=passed
  "build/asan/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 -timeout=25 \
    -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 -close_fd_mask=3 \
    -artifact_prefix="$findings/" "$corpus" "$out/seeds/$target" >"$log" 2>&1 || verdict=FAILED
  printf '%-14s %9s executions, %5s features: %s\n' "$target" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" "$verdict"
  [[ $verdict == passed ]] && return
  grep -E '^(SUMMARY|fuzz:|artifact_prefix)|ERROR:|runtime error' "$log" | head -n 8
  return 1
}
export -f fuzz

cmake --preset asan >/dev/null
cmake --build --preset asan --parallel "$jobs" --target fuzz
build/asan/fuzz_seeds "$out/seeds"

targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(find "$out/seeds" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)
printf '%s\n' "${targets[@]}" |
  xargs --max-procs="$jobs" --replace=TARGET bash -c 'fuzz "$@"' bash TARGET "$seconds" "$out" || {
  echo "fuzz: inputs that fail are in $out/findings" >&2
  exit 1
}
