#!/usr/bin/env bash
# The ops tests with every kind of products of floats that the processor has, whichever it takes by itself; in
# f16 and i16 also with the scalar kernels, which have such products on every machine.
set -euo pipefail
ops_tests=$1
HONE_PRODUCTS=f32 "$ops_tests" --gtest_brief=1
for products in f16 i16; do HONE_ISA=scalar HONE_PRODUCTS=$products "$ops_tests" --gtest_brief=1; done
if [[ -n ${HONE_ISA:-} ]]; then exit 0; fi
if grep -q avx2 /proc/cpuinfo; then HONE_ISA=avx2 HONE_PRODUCTS=i16 "$ops_tests" --gtest_brief=1; fi
if grep -q avx512_bf16 /proc/cpuinfo; then HONE_PRODUCTS=bf16 "$ops_tests" --gtest_brief=1; fi
if grep -q avx512_fp16 /proc/cpuinfo; then HONE_PRODUCTS=f16 "$ops_tests" --gtest_brief=1; fi
# What AMX takes the place of.
if grep -q amx_bf16 /proc/cpuinfo; then
  for products in bf16 f16; do HONE_ISA=avx512 HONE_PRODUCTS=$products "$ops_tests" --gtest_brief=1; done
fi
