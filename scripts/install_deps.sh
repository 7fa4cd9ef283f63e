#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that Skiff needs and this machine lacks.
#
#   scripts/install_deps.sh build    what building and running takes
#   scripts/install_deps.sh test     that, and what scripts/test.sh takes besides
#
# A machine that has them all is left alone: no network, no root. Why each one: docs/dependencies.md.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build
  libdnnl-dev libprotozero-dev
  libfmt-dev libcli11-dev nlohmann-json3-dev libxxhash-dev
  libjpeg-dev libpng-dev zlib1g-dev
)
test_packages=(
  ccache python3 libgtest-dev libgmock-dev
  clang-14 libclang-rt-14-dev clang-tidy-14 clang-format-14
  qemu-user
)

usage() {
  echo "usage: $0 build|test" >&2
  exit 2
}

installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

main() {
  (($# == 1)) || usage
  local wanted=("${build_packages[@]}")
  case "$1" in
    build) ;;
    test) wanted+=("${test_packages[@]}") ;;
    *) usage ;;
  esac

  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install_deps: this is no Debian or Ubuntu (no apt-get). Install these by hand, under your" \
      "system's names for them, then configure with cmake --preset release: ${wanted[*]}" >&2
    exit 1
  fi

  local missing=() package
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "install_deps: neither root nor sudo here. Ask an administrator for:" \
        "apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "install_deps: installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet)
  "${apt[@]}" update
  "${apt[@]}" install --yes --no-install-recommends --option Dpkg::Use-Pty=0 "${missing[@]}"
}

main "$@"
