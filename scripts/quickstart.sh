#!/usr/bin/env bash
# From a fresh clone to a tuned, merged, quantized and measured model: packages, build, model, hone run.
set -euo pipefail
cd "$(dirname "$0")/.."
start=$SECONDS

echo "== 1/4 system packages =="
scripts/install-deps.sh
echo "== 2/4 build =="
scripts/build.sh release -DHONE_TESTS=OFF
echo "== 3/4 model =="
scripts/get-model.sh
echo "== 4/4 hone run examples/medical/recipe.toml =="
build/release/hone run examples/medical/recipe.toml
echo
echo "done in $((SECONDS - start)) s; the program is build/release/hone"
