// Products in f16 over 32 lanes of AVX512-FP16: two k of 16 columns, with a sum for each k.
#include <immintrin.h>

#include <algorithm>

#include "kernels/tables.h"

namespace hone {
namespace avx512 {
namespace {

constexpr size_t kTileM = 12, kTileN = 32;

template <size_t kMr, size_t kNv>
struct Sums {
  // In f32, as the halves lie: even and odd k of the first eight columns, then of the others.
  alignas(64) float f32[kMr][kNv][2][16];
  alignas(64) uint16_t halves[kMr][kNv][32];
};

// n pairs of k, at most kF16Run; add: to what the sums hold, otherwise instead.
template <size_t kMr, size_t kNv>
inline void add_run(size_t n, const uint32_t* a, size_t lda, const uint32_t* b, bool add,
                    Sums<kMr, kNv>& sums) noexcept {
  __m512h sum[kMr][kNv];
#pragma GCC unroll 16
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) sum[m][v] = _mm512_setzero_ph();
  for (size_t p = 0; p < n; ++p, b += kTileN) {
    // Two names instead of an array, which GCC 12 would keep in memory.
    const __m512h column0 = _mm512_loadu_ph(b);
    __m512h column1;
    if constexpr (kNv == 2) column1 = _mm512_loadu_ph(b + 16);
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m) {
      const __m512h x = _mm512_castsi512_ph(_mm512_set1_epi32(static_cast<int>(a[m * lda + p])));
      sum[m][0] = _mm512_fmadd_ph(x, column0, sum[m][0]);
      if constexpr (kNv == 2) sum[m][1] = _mm512_fmadd_ph(x, column1, sum[m][1]);
    }
  }
  // By way of memory: widening what a register holds takes a shuffle more for each half of it.
#pragma GCC unroll 16
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) _mm512_store_ph(sums.halves[m][v], sum[m][v]);
  asm volatile("" : : : "memory");
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) {
      const auto* halves = reinterpret_cast<const __m256i*>(sums.halves[m][v]);
      __m512 low = _mm512_cvtph_ps(_mm256_load_si256(halves)),
             high = _mm512_cvtph_ps(_mm256_load_si256(halves + 1));
      if (add) {
        low = _mm512_add_ps(low, _mm512_load_ps(sums.f32[m][v][0]));
        high = _mm512_add_ps(high, _mm512_load_ps(sums.f32[m][v][1]));
      }
      _mm512_store_ps(sums.f32[m][v][0], low);
      _mm512_store_ps(sums.f32[m][v][1], high);
    }
}

template <size_t kMr, size_t kNv>
void tile_rows(size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b, float* c,
               size_t ldc, const float* scales, float alpha, bool accumulate) noexcept {
  Sums<kMr, kNv> sums;
  add_run(std::min(k_pairs, kF16Run), a, lda, b, false, sums);
  for (size_t p = kF16Run; p < k_pairs; p += kF16Run)
    add_run(std::min(k_pairs - p, kF16Run), a + p, lda, b + p * kTileN, true, sums);
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
                odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
#pragma GCC unroll 2
  for (size_t v = 0; v < kNv; ++v) {
    const size_t n = nr - 16 * v;
    const auto mask = static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1u);
    for (size_t m = 0; m < kMr; ++m) {
      const __m512 low = _mm512_load_ps(sums.f32[m][v][0]), high = _mm512_load_ps(sums.f32[m][v][1]);
      const __m512 sum =
          _mm512_add_ps(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high));
      float* out = c + m * ldc + 16 * v;
      __m512 y = _mm512_mul_ps(_mm512_set1_ps(alpha * scales[m]), sum);
      if (accumulate) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, out));
      _mm512_mask_storeu_ps(out, mask, y);
    }
  }
}

template <size_t kMr>
void dispatch(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b,
              float* c, size_t ldc, const float* scales, float alpha, bool accumulate) noexcept {
  if (mr == kMr) {
    if (nr <= 16) return tile_rows<kMr, 1>(nr, k_pairs, a, lda, b, c, ldc, scales, alpha, accumulate);
    return tile_rows<kMr, 2>(nr, k_pairs, a, lda, b, c, ldc, scales, alpha, accumulate);
  }
  if constexpr (kMr > 1) dispatch<kMr - 1>(mr, nr, k_pairs, a, lda, b, c, ldc, scales, alpha, accumulate);
}

void tile(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b, float* c,
          size_t ldc, const float* scales, float alpha, bool accumulate) noexcept {
  dispatch<kTileM>(mr, nr, k_pairs, a, lda, b, c, ldc, scales, alpha, accumulate);
}

__mmask16 first_lanes(size_t n) noexcept {
  return static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1u);
}

float largest(size_t rows, size_t n, size_t stride, const float* x) noexcept {
  // Four chains: one would wait for every maximum.
  __m512 top[4];
  for (__m512& t : top) t = _mm512_setzero_ps();
  for (size_t r = 0; r < rows; ++r, x += stride) {
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; ++j)
        top[j] = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(x + i + 16 * j)), top[j]);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j, i += 16)
      if (i < n)
        top[j] = _mm512_max_ps(_mm512_abs_ps(_mm512_maskz_loadu_ps(first_lanes(n - i), x + i)), top[j]);
  }
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(top[0], top[1]), _mm512_max_ps(top[2], top[3])));
}

inline __m256i scaled_halves(__m512 scale, __m512 x) noexcept {
  return _mm512_cvtps_ph(_mm512_mul_ps(scale, x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

void halve(size_t n, float scale, const float* x, uint16_t* y) noexcept {
  const __m512 s = _mm512_set1_ps(scale);
  for (size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    _mm256_mask_storeu_epi16(y + i, mask, scaled_halves(s, _mm512_maskz_loadu_ps(mask, x + i)));
  }
}

void pair(size_t n, float scale, const float* even, const float* odd, uint32_t* y) noexcept {
  const __m512 s = _mm512_set1_ps(scale);
  for (size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __m256i low = scaled_halves(s, _mm512_maskz_loadu_ps(mask, even + i)),
                  high = scaled_halves(s, _mm512_maskz_loadu_ps(mask, odd + i));
    _mm512_mask_storeu_epi32(
        y + i, mask,
        _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16)));
  }
}

float largest_half(size_t n, const uint16_t* x) noexcept {
  // Without their signs halves are ordered as whole numbers are.
  const __m512i magnitude = _mm512_set1_epi16(0x7fff);
  __m512i top0 = _mm512_setzero_si512(), top1 = top0;
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    top0 = _mm512_max_epu16(top0, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + i)));
    top1 = _mm512_max_epu16(top1, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + i + 32)));
  }
  for (; i < n; i += 32) {
    const auto mask = static_cast<__mmask32>(n - i >= 32 ? ~0u : (1u << (n - i)) - 1u);
    top0 = _mm512_max_epu16(top0, _mm512_and_si512(magnitude, _mm512_maskz_loadu_epi16(mask, x + i)));
  }
  top0 = _mm512_max_epu16(top0, top1);
  const __m512i even = _mm512_and_si512(top0, _mm512_set1_epi32(0xffff)), odd = _mm512_srli_epi32(top0, 16);
  const int top = _mm512_reduce_max_epi32(_mm512_max_epi32(even, odd));
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(top)));
}

void scale_halves(size_t n, float scale, uint16_t* x) noexcept {
  const __m512 s = _mm512_set1_ps(scale);
  for (size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    _mm256_mask_storeu_epi16(x + i, mask,
                             scaled_halves(s, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x + i))));
  }
}

constexpr F16Kernels kTable = {.tile_m = kTileM,
                               .tile_n = kTileN,
                               .tile = tile,
                               .largest = largest,
                               .halve = halve,
                               .pair = pair,
                               .largest_half = largest_half,
                               .scale_halves = scale_halves};

}  // namespace
}  // namespace avx512

const F16Kernels& f16_avx512() noexcept {
  return avx512::kTable;
}

}  // namespace hone
