#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that building hone needs; does nothing when they are there.
set -euo pipefail

packages=(
  cmake ninja-build g++ ccache
  libfmt-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libutf8proc-dev libxxhash-dev libsqlite3-dev
  libedit-dev libre2-dev libcld2-dev
  libgtest-dev libsimde-dev
  python3 python3-venv
)
if [ "${1:-}" = "--lint" ]; then packages+=(clang-format clang-tidy); fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "system packages: all there"
  exit 0
fi

echo "system packages to install: ${missing[*]}"
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "not root and no sudo; please install: ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
