// Weight gradients of few rows, those of low-rank changes: A^T W over W's stored halves, without panels.
#pragma once

#include "ops/gemm.h"

namespace hone {

// Whether C (m, n) = A^T W takes this road: products in bf16, W stored so, m small.
bool takes_outer_products(size_t m, const MatrixView& w, ComputeMode mode) noexcept;

// C (m, n) = or += alpha * A^T W, A (k, m) in f32 with row stride lda.
void gemm_outer(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
                const GemmOptions& options);

}  // namespace hone
