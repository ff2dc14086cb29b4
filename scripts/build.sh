#!/usr/bin/env bash
# build.sh PRESET [cmake options…]: configures (when needed) and builds a preset.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
echo "== configure and build: preset $preset =="
cmake --preset "$preset" "$@" >/dev/null
cmake --build --preset "$preset"
