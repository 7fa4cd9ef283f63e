#!/usr/bin/env bash
# Every tracked C++ file is formatted as .clang-format says; --fix formats them.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run --Werror)
[[ "${1:-}" == --fix ]] && mode=(-i)
git ls-files -z '*.cc' '*.h' '*.inc' | xargs --null --no-run-if-empty clang-format-14 "${mode[@]}"
