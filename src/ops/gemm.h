// Matrix products with one f32 operand and one operand stored in any weight format. Threads over the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "ops/context.h"
#include "ops/matrix.h"

namespace hone {

struct GemmOptions {
  ComputeMode compute = ComputeMode::kFast;
  float alpha = 1.0f;
  bool accumulate = false;                  // C += instead of C =
  bool steady = false;                      // OpContext::steady
  std::span<const size_t> exact_rows = {};  // OpContext::exact_rows
};

// The operand A (m, k): element (i, j) at a[i * row + j * col], row or col being 1.
struct GemmRows {
  size_t m = 0, k = 0;
  const float* a = nullptr;
  size_t row = 0, col = 1;
  // The same rows in bf16 (ops/halves.h) or, with factors, in f16: two consecutive k in one element,
  // (k + 1) / 2 elements a row; null: converted when the product needs them.
  const uint32_t* halves = nullptr;
  // What the products of each row in f16 are multiplied by, the reciprocals of their scales.
  const float* factors = nullptr;
  // For W in f16 whose rows have scales: column j counts k_factors[j] times; null: once. Of gemm_nn, where
  // products are in f16.
  const float* k_factors = nullptr;
  // Halves and factors hold codes of 8 bits instead (Int8Codes of ops/gemm_operands.h); a is then not read.
  bool int8 = false;
};

// One product of a sum, and a sum with its place: C (m, n) = or += alpha * sum of A_i W_i^T (gemm_nt; W
// stored (n, k)) or of A_i W_i (gemm_nn; W stored (k, n)). C is f32 with row stride ldc and aliases no
// operand.
struct GemmTerm {
  GemmRows a;
  MatrixView w;
  bool exact =
      false;  // where activations become int8: as two planes of codes (about 14 bits), at twice the work
  bool frozen = false;  // W is not trained, so that ComputeMode::kInt8 may multiply in int8
};
struct GemmTarget {
  std::span<const GemmTerm> terms;
  float* c = nullptr;
  size_t ldc = 0;
};
// Several sums of the same m at once: each A is converted once, and all outputs share the threads.
void gemm_nt(std::span<const GemmTarget> targets, GemmOptions options = {});
void gemm_nn(std::span<const GemmTarget> targets, GemmOptions options = {});

// Rows [m, m + rows), columns [n, n + cols) of several sums: row r of sum i begins at sums[i] + r * stride.
struct SumBlock {
  size_t m, rows, n, cols;
  std::span<float* const> sums;  // the taker's, to write to as well
  size_t stride;
};
using TakeSums = std::function<void(const SumBlock&)>;
// gemm_nt for what needs sums of the same shape together and once: they are taken block by block out of a
// cache, by all threads, and never stored. The targets' C are not used. Only where every product is
// by_panels.
void gemm_nt_taken(std::span<const GemmTarget> targets, const TakeSums& take, GemmOptions options = {});
// Whether a product is taken over unpacked panels.
bool by_panels(const GemmTerm& term, ComputeMode compute);

// A single product of rows of A (m, k), row stride lda. exact: GemmTerm::exact.
void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {}, bool exact = false);
void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});
// C (m, n) = alpha * A^T * W, A stored f32 (k, m) with row stride lda, W stored (k, n). For weight gradients.
// k_factors: GemmRows::k_factors.
void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, const float* k_factors, float* c,
             size_t ldc, GemmOptions options = {});

}  // namespace hone
