#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that Skiff needs and this machine lacks, and oneDNN 3: the system's
# where it is new enough, otherwise Intel's build from PyPI, into /usr/local.
#
#   scripts/install_deps.sh build    what building and running takes
#   scripts/install_deps.sh test     that, and what scripts/test.sh takes besides
#
# A machine that has them all is left alone: no network, no root. Why each one: docs/dependencies.md.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build
  libprotozero-dev
  libfmt-dev libcli11-dev nlohmann-json3-dev libxxhash-dev
  libjpeg-dev libpng-dev zlib1g-dev
)
test_packages=(
  ccache python3 libgtest-dev libgmock-dev
  clang-14 libclang-rt-14-dev libomp-14-dev clang-tidy-14 clang-format-14
  qemu-user
)

# Pinned by digest. Debian 12 has oneDNN 2.6 only.
onednn_wheels='onednn-cpu-gomp==2023.2.0 --hash=sha256:2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb
onednn-devel-cpu-gomp==2023.2.0 --hash=sha256:9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284'

usage() {
  echo "usage: $0 build|test" >&2
  exit 2
}

installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# Runs a command as root, by sudo where that takes it.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "install_deps: neither root nor sudo here. Ask an administrator to run: $*" >&2
    exit 1
  fi
}

apt_install() {
  echo "install_deps: installing $*"
  if [[ -z "${apt_updated:-}" ]]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet update
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet install --yes \
    --no-install-recommends --option Dpkg::Use-Pty=0 "$@"
}

has_onednn_3() {
  grep --quiet --extended-regexp --no-messages 'define DNNL_VERSION_MAJOR ([3-9]|[1-9][0-9])' \
    /usr/local/include/oneapi/dnnl/dnnl_version.h /usr/include/oneapi/dnnl/dnnl_version.h
}

# Unpacks the library and its headers from the wheels; nothing of Python is installed.
install_onednn_wheels() {
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
  echo "install_deps: installing oneDNN 3.2 (onednn-cpu-gomp 2023.2.0) into /usr/local"
  local scratch wheel
  scratch=$(mktemp -d)
  echo "$onednn_wheels" >"$scratch/wheels.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$scratch/wheels.txt" --dest "$scratch"
  for wheel in "$scratch"/*.whl; do python3 -m zipfile --extract "$wheel" "$scratch/files"; done
  as_root install -D --mode=644 --target-directory=/usr/local/include/oneapi/dnnl \
    "$scratch"/files/*.data/data/include/oneapi/dnnl/*
  as_root install -D --mode=755 "$scratch"/files/*.data/data/lib/libdnnl.so.3.2 \
    /usr/local/lib/libdnnl.so.3.2
  as_root ln --symbolic --force libdnnl.so.3.2 /usr/local/lib/libdnnl.so.3
  as_root ln --symbolic --force libdnnl.so.3 /usr/local/lib/libdnnl.so
  as_root ldconfig
  rm -r "$scratch"
}

install_onednn() {
  has_onednn_3 && return
  local candidate
  candidate=$(apt-cache policy libdnnl-dev 2>/dev/null | awk '/Candidate:/ { print $2 }')
  if [[ "$candidate" =~ ^([3-9]|[1-9][0-9])\. ]]; then
    apt_install libdnnl-dev
  else
    install_onednn_wheels
  fi
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
      "system's names for them, then configure with cmake --preset release: ${wanted[*]}" \
      "and oneDNN 3 with its headers" >&2
    exit 1
  fi

  local missing=() package
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]})); then apt_install "${missing[@]}"; fi
  install_onednn
}

main "$@"
