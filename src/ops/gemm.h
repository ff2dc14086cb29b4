// Matrix products with one f32 operand and one operand stored in any weight format. Threads over the output.
#pragma once

#include <cstddef>

#include "formats/format.h"
#include "ops/context.h"

namespace hone {

// A stored matrix: `rows` rows of `cols` elements in `format`, rows contiguous and packed one after another.
struct MatrixView {
  const Format* format = nullptr;
  const std::byte* data = nullptr;
  size_t rows = 0, cols = 0;
  size_t row_bytes() const noexcept { return format->bytes(cols); }
};
MatrixView f32_view(const float* data, size_t rows, size_t cols);
inline MatrixView f32_view(const Tensor& t) {
  return f32_view(t.data(), t.rows(), t.cols());
}

struct GemmOptions {
  ComputeMode compute = ComputeMode::kFast;
  float alpha = 1.0f;
  bool accumulate = false;  // C += instead of C =
};

// C (M, N) = alpha * A (M, K) * W^T, W stored (N, K). A and C f32 row-major with row strides lda, ldc; C must
// not alias A or W.
void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

// C (M, N) = alpha * A (M, K) * W, W stored (K, N).
void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

// C (M, N) = alpha * A^T * W, A stored f32 (K, M) with row stride lda, W stored (K, N). For weight gradients.
void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options = {});

}  // namespace hone
