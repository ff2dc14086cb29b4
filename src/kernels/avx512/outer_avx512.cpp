// Sums of outer products over bf16 rows as they are stored: two rows side by side are the pairs that dpbf16
// takes.
#include <algorithm>

#include "kernels/avx512/simd_avx512.h"
#include "kernels/tables.h"
#include "kernels/unroll.h"

namespace hone {
namespace avx512 {
namespace {

constexpr size_t kColumns = 32;

// The first n of 32 halves, zeros behind them.
__m512i load_halves(const uint16_t* w, size_t n) {
  if (n >= kColumns) return _mm512_loadu_si512(w);
  uint16_t line[kColumns] = {};
  std::copy(w, w + n, line);
  return _mm512_loadu_si512(line);
}

void store_sums(float* c, size_t n, Vec sums, float alpha, bool accumulate) {
  const Vec y = mul(broadcast(alpha), sums);
  if (n < 16) return store_first(c, n, accumulate ? add(load_first(c, n), y) : y);
  store(c, accumulate ? add(load(c), y) : y);
}

// kM rows of C, at most 32 columns.
template <size_t kM>
void outer_rows(size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w, size_t stride, float* c,
                size_t ldc, float alpha, bool accumulate) {
  // Unpacking goes by lanes of 128 bits: columns 0-3, 8-11 ... and 4-7, 12-15 ...
  __m512 low[kM], high[kM];
  HONE_UNROLL(8)
  for (size_t m = 0; m < kM; ++m) low[m] = high[m] = _mm512_setzero_ps();
  for (size_t i = 0; i < k; i += 2, a += lda, w += 2 * stride) {
    const __m512i even = load_halves(w, n),
                  odd = i + 1 < k ? load_halves(w + stride, n) : _mm512_setzero_si512();
    const auto x0 = (__m512bh)_mm512_unpacklo_epi16(even, odd),
               x1 = (__m512bh)_mm512_unpackhi_epi16(even, odd);
    HONE_UNROLL(8)
    for (size_t m = 0; m < kM; ++m) {
      const auto pair = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[m]));
      low[m] = _mm512_dpbf16_ps(low[m], pair, x0);
      high[m] = _mm512_dpbf16_ps(high[m], pair, x1);
    }
  }
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i last = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  HONE_UNROLL(8)
  for (size_t m = 0; m < kM; ++m) {
    store_sums(c + m * ldc, std::min<size_t>(n, 16), {_mm512_permutex2var_ps(low[m], first, high[m])}, alpha,
               accumulate);
    if (n > 16)
      store_sums(c + m * ldc + 16, n - 16, {_mm512_permutex2var_ps(low[m], last, high[m])}, alpha,
                 accumulate);
  }
}

template <size_t kM>
void pick_rows(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w, size_t stride,
               float* c, size_t ldc, float alpha, bool accumulate) {
  if (m == kM) return outer_rows<kM>(n, k, a, lda, w, stride, c, ldc, alpha, accumulate);
  if constexpr (kM > 1) pick_rows<kM - 1>(m, n, k, a, lda, w, stride, c, ldc, alpha, accumulate);
}

}  // namespace
}  // namespace avx512

void outer_bf16_avx512(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w,
                       size_t stride, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  constexpr size_t kRows = 8, kDepth = 64;  // so many rows of W stay in the L1 cache for all rows of C
  for (size_t p = 0; p < k; p += kDepth, a += kDepth / 2 * lda, w += kDepth * stride, accumulate = true)
    for (size_t j = 0; j < n; j += avx512::kColumns)
      for (size_t i = 0; i < m; i += kRows)
        avx512::pick_rows<kRows>(std::min(kRows, m - i), std::min(avx512::kColumns, n - j),
                                 std::min(kDepth, k - p), a + i, lda, w + j, stride, c + i * ldc + j, ldc,
                                 alpha, accumulate);
}

}  // namespace hone
