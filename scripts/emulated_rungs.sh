#!/usr/bin/env bash
# Runs the kernels' tests and whole quantised models on emulated CPUs that have one rung of the ladder and
# nothing above it: an instruction that its rung does not allow is then an illegal one.
#
#   scripts/emulated_rungs.sh BUILD_FOLDER
#
# qemu-user emulates up to AVX2.
set -euo pipefail

build=${1:?usage: $0 BUILD_FOLDER}

# What qemu says that it lacks is taken off the models, so that it need not say it.
declare -A models=(
  [scalar]=Nehalem
  [avx2]=Haswell,-pcid,-x2apic,-tsc-deadline,-invpcid,-hle,-rtm
)
tests=(kernels_test tests_quantised)

# All tests on the CPU model of a rung; its output is printed when they are through.
check() {
  local rung=$1 cpu=${models[$1]} program said
  said=$(qemu-x86_64 -cpu "$cpu" "$build/skiff" doctor | sed -n 's/^in use *\([a-z0-9_]*\).*/\1/p')
  if [[ $said != "$rung" ]]; then
    echo "emulated_rungs: on $cpu the rung in use is \"$said\", expected $rung"
    return 1
  fi
  for program in "${tests[@]}"; do
    echo "$rung: $program"
    qemu-x86_64 -cpu "$cpu" "$build/$program" --gtest_brief=1 2>&1 | sed '/Skipped$/d; /^this CPU lacks /d'
  done
}

failed=0
declare -A jobs
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for rung in "${!models[@]}"; do
  check "$rung" >"$logs/$rung" &
  jobs[$rung]=$!
done
for rung in "${!models[@]}"; do
  wait "${jobs[$rung]}" || failed=1
  cat "$logs/$rung"
done
((failed == 0)) || echo "emulated_rungs: FAILED" >&2
exit "$failed"
