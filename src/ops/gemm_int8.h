// Products of int8 activations with interleaved quantized weights: what inference does by default.
#pragma once

#include "kernels/packed.h"
#include "ops/gemm.h"

namespace hone {

// One W and the place of its product.
struct GemmOutput {
  MatrixView w;
  float* c = nullptr;
  size_t ldc = 0;
};

// C = alpha * A W^T (accumulated if asked for) for every output. All W are packed and have K columns, K % 32
// == 0. exact: GemmTerm::exact.
void gemm_int8(size_t m, const float* a, size_t lda, size_t k, std::span<const GemmOutput> outputs,
               bool exact, GemmOptions options);

// m rows of x (k columns, row stride ldx) as two planes of codes each: row 2 i has the codes of x's row i,
// row 2 i + 1 those of what they left over, about 14 bits together. In the calling thread's scratch
// (kCodes, kCodeScales, kCodeSums; kConverted is overwritten).
Int8Rows quantize_exactly(size_t m, const float* x, size_t ldx, size_t k);
// c[i * ldc + r] = (or +=) alpha * row r of the group . row i of x, r < n_rows; x from quantize_exactly, m at
// most kSteadyRows.
void multiply_group_exactly(const PackedKernels& packed, size_t m, size_t n_rows, const std::byte* group,
                            const Int8Rows& x, float* c, size_t ldc, float alpha, bool accumulate);

}  // namespace hone
