// Products in f16: AVX512-FP16 multiplies and adds 32 halves at once, twice as many as f32. A half holds 11
// bits and magnitudes from 6e-8 to 65504 only, hence two rules. Operands are scaled by powers of two to at
// most 32 (rows of A each, panels of B each, by its largest element), so that no sum can overflow. And sums
// stay in f16 for kF16Run products before f32 takes them over: an error of 1.0e-3 of the result's deviation
// with normal numbers (bf16 operands with sums in f32: 2.4e-3), measured over k = 576.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/isa.h"
#include "kernels/panel_widths.h"

namespace hone {

constexpr size_t kF16Run = 48;
constexpr float kF16Largest = 32.0f;  // kF16Run * 32 * 32 is three quarters of what a half can hold
// Stored halves whose largest lies between are multiplied as they are: their sums are far from what a half
// can no longer tell from zero.
constexpr float kF16Smallest = 1.0f / 16;

// C tile (mr, nr) = or += alpha * scales[m] * A B over f16 pairs: a[m * lda + p] and b[p * ldb + n] are two
// consecutive k. Rows of b are readable as far as a panel for nr columns is wide.
using TileF16 = void (*)(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda,
                         const uint32_t* b, size_t ldb, float* c, size_t ldc, const float* scales,
                         float alpha, bool accumulate) noexcept;

struct F16Kernels {
  size_t tile_m;
  PanelWidths widths;
  TileF16 tile;
  // The largest |x[r * stride + i]|, i < n, of `rows` rows, 0 without elements. NaN may be passed over.
  float (*largest)(size_t rows, size_t n, size_t stride, const float* x) noexcept;
  // y[i] = scale * x[i] to nearest even.
  void (*halve)(size_t n, float scale, const float* x, uint16_t* y) noexcept;
  // y[i] = pair (low: scale * even[i], high: scale * odd[i]).
  void (*pair)(size_t n, float scale, const float* even, const float* odd, uint32_t* y) noexcept;
  // The largest |x[i]| of halves; not finite if one of them is not.
  float (*largest_half)(size_t n, const uint16_t* x) noexcept;
  // x[i] = scale * x[i] to nearest even.
  void (*scale_halves)(size_t n, float scale, uint16_t* x) noexcept;
};

// null: this instruction set, or this processor, has none. The scalar ones are the oracle.
const F16Kernels* f16_kernels(Isa isa) noexcept;

// The power of two that brings numbers of at most `largest` to [kF16Largest / 2, kF16Largest); 1 for zero and
// for what is not finite.
float f16_scale(float largest) noexcept;

}  // namespace hone
