// Matrix products with one f32 operand and one operand stored in any weight format. Threads over the output.
#pragma once

#include <cstddef>
#include <span>

#include "ops/context.h"
#include "ops/matrix.h"

namespace hone {

struct GemmOptions {
  ComputeMode compute = ComputeMode::kFast;
  float alpha = 1.0f;
  bool accumulate = false;  // C += instead of C =
};

// C (M, N) = alpha * A (M, K) * W^T, W stored (N, K). A and C f32 row-major with row strides lda, ldc; C must
// not alias A or W.
void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

// Several such products of the same A at once: A is converted once, and all outputs share the threads.
struct GemmTarget {
  MatrixView w;  // (N, K)
  float* c = nullptr;
  size_t ldc = 0;
};
void gemm_nt(size_t m, const float* a, size_t lda, std::span<const GemmTarget> targets,
             GemmOptions options = {});

// C (M, N) = alpha * A (M, K) * W, W stored (K, N).
void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

// C (M, N) = alpha * A^T * W, A stored f32 (K, M) with row stride lda, W stored (K, N). For weight gradients.
void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

}  // namespace hone
