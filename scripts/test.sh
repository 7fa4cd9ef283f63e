#!/usr/bin/env bash
# From a fresh clone to a verdict: installs what is missing, builds, and runs every check and test.
# CI runs this script and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs whose tests start threads; the thread sanitizer looks at these alone.
thread_tests=(base_test tests_threads)
# Programs that run under the address and undefined-behaviour sanitizers: those that read files of others,
# move memory in kernels, or run whole models. The rest would double the time of the build. Those that run longest
# stand first, so that no processor waits for the last of them.
memory_tests=(tests_corruption quant_test tests_quantised kernels_test steps_test formats_test imaging_test)
# clang-tidy begins with the files that changed last and begins no more after this time; it says what
# it left out. A third of the files take 3 minutes.
tidy_seconds=180
# Of each fuzz target in this run, as many at a time as there are processors.
fuzz_seconds=60

jobs=$(nproc)
start=$SECONDS

step() {
  local title=$1
  shift
  local begin=$SECONDS
  echo "== $title"
  "$@"
  echo "== $title: $((SECONDS - begin)) s"
}

build() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" --parallel "$jobs" --target "${@:2}"
}

# Builds test programs with a preset and runs them, as many at a time as there are processors. (env:
# xargs replaces words of the arguments, not of the command.)
sanitize() {
  build "$@"
  printf '%s\n' "${@:2}" | xargs --max-procs="$jobs" --replace=TEST env "build/$1/TEST" --gtest_brief=1
}

step "packages" scripts/install_deps.sh test
step "format" scripts/check_format.sh
step "includes" scripts/check_includes.py
step "text" scripts/check_text.py
step "tests of the checks" scripts/checks_test.py
step "tests of the bench" bench/bench_test.py
step "build, gcc" build release all
step "instruction sets" scripts/check_isa.py build/release
step "operator table" scripts/make_operator_table.py build/release --check
step "tests" ctest --preset release --parallel "$jobs"
step "scalar and AVX2 on CPUs that have no more, emulated" scripts/emulated_rungs.sh build/release
step "address and undefined-behaviour sanitizers, clang" sanitize asan "${memory_tests[@]}"
step "fuzz targets, $fuzz_seconds s each" scripts/fuzz.sh "$fuzz_seconds"
step "thread sanitizer" sanitize tsan "${thread_tests[@]}"
step "clang-tidy" scripts/check_tidy.py build/asan --jobs "$jobs" --seconds "$tidy_seconds"
echo "== all checks passed in $((SECONDS - start)) s"
