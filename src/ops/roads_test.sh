#!/usr/bin/env bash
# The ops tests with products in f32 and, where the processor has them, in bf16, whichever it takes by itself.
set -euo pipefail
ops_tests=$1
HONE_BF16=0 "$ops_tests" --gtest_brief=1
if [[ -z ${HONE_ISA:-} ]] && grep -q avx512_bf16 /proc/cpuinfo; then HONE_BF16=1 "$ops_tests" --gtest_brief=1; fi
