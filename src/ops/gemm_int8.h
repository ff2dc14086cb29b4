// Products of int8 activations with interleaved quantized weights: what inference does by default.
#pragma once

#include "ops/gemm.h"

namespace hone {

// One W and the place of its product.
struct GemmOutput {
  MatrixView w;
  float* c = nullptr;
  size_t ldc = 0;
};

// C = alpha * A W^T (accumulated if asked for) for every output. All W are packed and have K columns, K % 32
// == 0.
void gemm_int8(size_t m, const float* a, size_t lda, size_t k, std::span<const GemmOutput> outputs,
               GemmOptions options);

}  // namespace hone
