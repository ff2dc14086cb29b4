// C = A^T W for few rows of C: of W as it is stored 32 rows at a time become pairs along K, for 96 columns,
// which a register of A is multiplied by.
#include <algorithm>
#include <cstring>

#include "kernels/amx/intrinsics.h"
#include "kernels/amx/registers.h"
#include "kernels/amx/tile_amx.h"
#include "kernels/tables.h"

namespace hone::amx {
namespace {

constexpr size_t kCols = 96;

struct Outer {
  size_t m, n, k;  // m and n at most a register's rows and kCols
  const uint32_t* a;
  size_t lda;
  const uint16_t* w;
  size_t stride;
};

// Rows [first, first + 32) of W as pairs, zeros where there are none.
void pair_rows(const Outer& o, size_t first, uint32_t (&pairs)[kElems][kCols]) noexcept {
  static constexpr uint16_t kZeros[kCols] = {};
  const PairRows pair = avx512_kernels().pair_rows(FormatId::kBF16);
  for (size_t p = 0; p < kElems; ++p) {
    const size_t row = first + 2 * p;
    const uint16_t* even = row < o.k ? o.w + row * o.stride : kZeros;
    const uint16_t* odd = row + 1 < o.k ? o.w + (row + 1) * o.stride : kZeros;
    pair(reinterpret_cast<const std::byte*>(even), reinterpret_cast<const std::byte*>(odd), pairs[p], o.n);
  }
}

// The same rows of A, turned: row i has column i's pairs.
void turn_rows(const Outer& o, size_t first, uint32_t (&rows)[kRows][kElems]) noexcept {
  const size_t n = std::min(kElems, (o.k + 1) / 2 - first / 2);
  if (n < kElems) std::memset(rows, 0, sizeof rows);
  avx512_kernels().transpose32(n, o.m, o.a + first / 2 * o.lda, o.lda, rows[0], kElems);
}

// All sums, rows of kCols.
void multiply(const Outer& o, float (&sums)[kRows][kCols]) noexcept {
  alignas(64) uint32_t pairs[kElems][kCols] = {}, rows[kRows][kElems] = {};
  want_full_shapes();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (size_t k = 0; k < o.k; k += 2 * kElems) {
    pair_rows(o, k, pairs);
    turn_rows(o, k, rows);
    written(pairs);
    written(rows);
    _tile_loadd(6, rows, sizeof rows[0]);
    // Columns beyond n stay zeros.
    _tile_loadd(7, pairs[0], sizeof pairs[0]);
    _tile_dpbf16ps(0, 6, 7);
    _tile_loadd(7, pairs[0] + kElems, sizeof pairs[0]);
    _tile_dpbf16ps(1, 6, 7);
    _tile_loadd(7, pairs[0] + 2 * kElems, sizeof pairs[0]);
    _tile_dpbf16ps(2, 6, 7);
    _tile_loadd(7, pairs[0] + 3 * kElems, sizeof pairs[0]);
    _tile_dpbf16ps(3, 6, 7);
    _tile_loadd(7, pairs[0] + 4 * kElems, sizeof pairs[0]);
    _tile_dpbf16ps(4, 6, 7);
    _tile_loadd(7, pairs[0] + 5 * kElems, sizeof pairs[0]);
    _tile_dpbf16ps(5, 6, 7);
  }
  _tile_stored(0, sums[0], sizeof sums[0]);
  _tile_stored(1, sums[0] + kElems, sizeof sums[0]);
  _tile_stored(2, sums[0] + 2 * kElems, sizeof sums[0]);
  _tile_stored(3, sums[0] + 3 * kElems, sizeof sums[0]);
  _tile_stored(4, sums[0] + 4 * kElems, sizeof sums[0]);
  _tile_stored(5, sums[0] + 5 * kElems, sizeof sums[0]);
}

}  // namespace

void outer_bf16(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w, size_t stride,
                float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  alignas(64) float sums[kRows][kCols];
  for (size_t i = 0; i < m; i += kRows)
    for (size_t j = 0; j < n; j += kCols) {
      const Outer part{std::min(kRows, m - i), std::min(kCols, n - j), k, a + i, lda, w + j, stride};
      multiply(part, sums);
      for (size_t r = 0; r < part.m; ++r) {
        float* out = c + (i + r) * ldc + j;
        for (size_t x = 0; x < part.n; ++x)
          out[x] = accumulate ? out[x] + alpha * sums[r][x] : alpha * sums[r][x];
      }
    }
}

}  // namespace hone::amx
