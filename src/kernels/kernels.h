// The kernels of one instruction set, as a table of pure functions: no threads, no allocation, no exceptions.
// Ops pick the table once (active_kernels) and hand out ranges. Every ISA fills every entry, except those
// marked "may be null". The scalar table is the oracle that the others are tested against (kernels_test.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/isa.h"
#include "formats/format.h"
#include "kernels/f16.h"
#include "kernels/i16.h"
#include "kernels/int8.h"
#include "kernels/packed.h"

namespace hone {

// C tile (mr, nr) = or += alpha * A B. a[m * a_row + k * a_col]; b[k * ldb + n] with tile_n readable floats a
// row; c row stride ldc. mr in [1, tile_m], nr in [1, tile_n].
using TileF32 = void (*)(size_t mr, size_t nr, size_t k, const float* a, size_t a_row, size_t a_col,
                         const float* b, size_t ldb, float* c, size_t ldc, float alpha,
                         bool accumulate) noexcept;
// The same over bf16 pairs: a[m * lda + p] and b[p * tile_n + n] are two consecutive-k bf16 values in 32
// bits.
using TileBf16 = void (*)(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda,
                          const uint32_t* b, float* c, size_t ldc, float alpha, bool accumulate) noexcept;

// C (m, n) = or += alpha * A^T W for few m, W (k, n) as it is stored: bf16 rows `stride` elements apart. a[p
// * lda + i]: elements (2 p, i) and (2 p + 1, i) of A (k, m) in bf16; an odd last k is paired with zero.
using OuterBf16 = void (*)(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w,
                           size_t stride, float* c, size_t ldc, float alpha, bool accumulate) noexcept;

// y[i] = a stored float row (n) . row i of x (m, n), f32. Each is, bit for bit, what it would be alone.
using DotsFloat = void (*)(size_t m, size_t n, const std::byte* w, const float* x, size_t ldx,
                           float* y) noexcept;

// n elements of a stored float row to bf16, rounded to nearest even.
using HalfRow = void (*)(const std::byte* w, uint16_t* y, size_t n) noexcept;

// Two stored float rows side by side in bf16: y[i] = (low: even[i], high: odd[i]).
using PairRows = void (*)(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept;

// Rows of pairs of stored halves, two consecutive k in 32 bits, to f32: out[2 p][i], out[2 p + 1][i] of
// in[p][i].
using SplitPairs = void (*)(size_t n_pairs, size_t width, const uint32_t* in, float* out) noexcept;

// n stored elements (a multiple of the format's block) to f32: the format's own to_float, bit for bit.
using DecodeRow = void (*)(const std::byte* w, float* y, size_t n) noexcept;

using AttendScores = void (*)(size_t n_queries, size_t dim, size_t n_blocks, const float* queries,
                              size_t q_stride, const std::byte* keys, float* scores, size_t stride) noexcept;
using AttendMix = void (*)(size_t n_queries, size_t dim, size_t n, const float* weights, size_t stride,
                           const std::byte* values, float* out, size_t out_stride) noexcept;

using GatedUnit = void (*)(size_t n, const float* gate, const float* up, float* y) noexcept;
using GatedUnitBackward = void (*)(size_t n, const float* gate, const float* up, const float* dy,
                                   float* dgate, float* dup) noexcept;

struct Kernels {
  Isa isa;
  size_t tile_m, tile_n;
  TileF32 tile_f32;
  size_t tile_m_bf16, tile_n_bf16;
  // Rows of A that are multiplied by a slice's panels before others are, and the slice's length, at most.
  size_t bf16_block_m, bf16_slice_k;
  TileBf16 tile_bf16;    // may be null: no bf16 products on this ISA
  OuterBf16 outer_bf16;  // null where tile_bf16 is
  // Products in bf16 of many rows are faster than any in int8 with a scale for every few elements.
  bool bf16_outruns_int8 = false;
  // Set in the active table only, where such products pay.
  const F16Kernels* f16 = nullptr;
  const I16Kernels* i16 = nullptr;

  // out[c * out_stride + r] = in[r * in_stride + c] for r < rows, c < cols; 32-bit elements.
  void (*transpose32)(size_t rows, size_t cols, const uint32_t* in, size_t in_stride, uint32_t* out,
                      size_t out_stride) noexcept;
  void (*f32_to_bf16)(size_t n, const float* x, uint16_t* y) noexcept;
  void (*f32_to_f16)(size_t n, const float* x, uint16_t* y) noexcept;
  // y[i] = bf16 pair (low: even[i], high: odd[i]).
  void (*pair_bf16)(size_t n, const float* even, const float* odd, uint32_t* y) noexcept;

  float (*dot)(size_t n, const float* a, const float* b) noexcept;
  void (*axpy)(size_t n, float alpha, const float* x, float* y) noexcept;                   // y += alpha x
  void (*scale_mul)(size_t n, float s, const float* x, const float* w, float* y) noexcept;  // y = s x w
  float (*max)(size_t n, const float* x) noexcept;                                          // n >= 1
  // y = exp(x * scale - shift); returns the sum. y may be x.
  double (*exp_sum)(size_t n, float scale, float shift, const float* x, float* y) noexcept;
  // Of n numbers x * scale, none below zero, those of at least `least`; and of the smaller ones, as `least`,
  // each with its share of `least` for a chance, which is right on average for u spread evenly over [0, 1).
  // Gives back how many, their places counted from `first`; ids and values have room for n + 16.
  size_t (*sample)(size_t n, float scale, float least, const float* x, const float* u, uint32_t first,
                   uint32_t* ids, float* values) noexcept;
  // y (2 n) += the sum over `count` of values[i] * row ids[i] - first: n pairs of bf16, elements j and n + j
  // of the row side by side (pair_bf16). n is a multiple of 16.
  void (*add_paired_rows)(size_t n, size_t count, const uint32_t* ids, uint32_t first, const float* values,
                          const uint32_t* rows, float* y) noexcept;
  // y = act(gate) * up, and dgate, dup from dy; dgate may alias dy. SiLU, and GELU in its tanh form.
  GatedUnit swiglu;
  GatedUnitBackward swiglu_backward;
  GatedUnit geglu;
  GatedUnitBackward geglu_backward;

  // Pairs (x[2i], x[2i + 1]) turned: y[i] = x[i] cos[i] + x[i ^ 1] sin[i]. n even; y may be x.
  void (*rotate_pairs)(size_t n, const float* x, const float* cos, const float* sin, float* y) noexcept;

  // A few queries against keys in blocks of 16, transposed: scores[i * stride + key] = queries[i * q_stride]
  // . key, for n_blocks * 16 keys of `dim` elements [block][dim][16].
  AttendScores attend_scores_f32, attend_scores_f16;
  // out[i * out_stride + d] = sum over n keys of weights[i * stride + key] * values[key][d], values [n][dim].
  AttendMix attend_mix_f32, attend_mix_f16;
  // The same over q8_0 rows; dim is a multiple of 32. Scores of q8_0 keys: packed(kQ8_0)->rows.
  AttendMix attend_mix_q8_0;

  // Quantizes n (a multiple of 32) activations: d per 32, sums of codes per 16 (see Int8Rows).
  void (*quantize_int8)(size_t n, const float* x, int8_t* q, float* d, int32_t* sums) noexcept;
  // Products with interleaved rows of a quantized format; null: rows of this format are not interleaved.
  const PackedKernels* (*packed)(FormatId format) noexcept;
  // Products of weights in any format as int8; null: not faster than others.
  const Int8Kernels* (*int8)() noexcept;
  DotsFloat (*dots_float)(FormatId format) noexcept;  // null: not a float format
  DecodeRow (*decode_row)(FormatId format) noexcept;
  HalfRow (*half_row)(FormatId format) noexcept;        // null: not a float format
  PairRows (*pair_rows)(FormatId format) noexcept;      // null: not a float format
  SplitPairs (*split_pairs)(FormatId format) noexcept;  // null: elements are not of 16 bits
};

// nullptr when the ISA was not compiled in.
const Kernels* kernels_for(Isa isa) noexcept;
// The table of active_isa(), with bf16, f16 or i16 products only where fast_products() says so.
const Kernels& active_kernels();

}  // namespace hone
