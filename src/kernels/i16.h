// Products in 16-bit fixed point: AVX2 multiplies sixteen of them and adds neighbours in 32 bits (vpmaddwd)
// as often a cycle as it multiplies eight floats, and until a run of kI16Run products is done nothing is
// rounded. Fixed point needs scales: rows of A have one for every run along K, columns of B one for a whole
// panel. Codes of B are at most kI16Largest in size; those of A such that the sum of their sizes over a run
// is at most kI16RunSum, so that no sum can overflow, whatever the numbers. Error with normal numbers over k
// = 576: 1.7e-4 of the result's deviation (operands in f16 with sums in f16: 1.0e-3, bf16 operands: 2.4e-3).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/isa.h"

namespace hone {

constexpr size_t kI16Run = 64;  // elements, 32 pairs
constexpr int32_t kI16Largest = 16383;
constexpr int32_t kI16RunSum = 131071;  // kI16Largest * kI16RunSum is below 2^31
// What a run of A is scaled to at most: its largest number, and the sum of its sizes, to which rounding may
// add half a unit for each.
constexpr float kI16RowLargest = 32767.0f, kI16RowSum = kI16RunSum - 100.0f;
// A largest number below this counts as zero: scales and their reciprocals stay normal numbers.
constexpr float kI16Zero = 1e-30f;

constexpr size_t i16_runs(size_t k) noexcept {
  return (k + kI16Run - 1) / kI16Run;
}

// Rows of A: two consecutive k in one element, row m at codes + m * stride; factors[m * n_factors + run] is
// what the codes of that run count.
struct I16Rows {
  const uint32_t* codes = nullptr;
  size_t stride = 0;
  const float* factors = nullptr;
  size_t n_factors = 0;
};

// C tile (mr, nr) = or += alpha * A B: b[p * tile_n + n] holds codes 2 p and 2 p + 1 of column n, which count
// b_factors[n] each. A starts at a run.
using TileI16 = void (*)(size_t mr, size_t nr, size_t k_pairs, const I16Rows& a, const uint32_t* b,
                         const float* b_factors, float* c, size_t ldc, float alpha, bool accumulate) noexcept;

struct I16Kernels {
  size_t tile_m, tile_n;
  TileI16 tile;
  // n numbers as codes, with a factor for every kI16Run of them. A run with a number that is not finite gets
  // the factor NaN.
  void (*encode_row)(size_t n, const float* x, int16_t* codes, float* factors) noexcept;
  // tile_n columns of k numbers, row i at x + i * stride, as (k + 1) / 2 rows of pairs and tile_n factors; a
  // column with a number that is not finite gets the factor NaN.
  void (*encode_panel)(size_t k, const float* x, size_t stride, uint32_t* panel, float* factors) noexcept;
};

// null: this instruction set has none. The scalar ones are the oracle.
const I16Kernels* i16_kernels(Isa isa) noexcept;

}  // namespace hone
