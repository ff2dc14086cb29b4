// Products in 16-bit fixed point over AVX2: six rows by two vectors of columns, whose sums take twelve of
// sixteen registers.
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/avx2/simd_avx2.h"
#include "kernels/tables.h"

namespace hone {
namespace avx2 {
namespace {

constexpr size_t kTileM = 6, kTileN = 16, kRunPairs = kI16Run / 2;

// In place and where it is written: left to itself GCC moves the additions behind all products, which spills
// (83 instead of 143 GOP/s on a Zen 3 core).
inline __m256i plus(__m256i sum, __m256i products) noexcept {
  asm("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));
  return sum;
}

// n pairs of k, at most kRunPairs.
template <size_t kMr, size_t kNv>
inline void add_run(size_t n, const uint32_t* a, size_t stride, const uint32_t* b,
                    __m256i (&sums)[kMr][kNv]) noexcept {
#pragma GCC unroll 8
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) sums[m][v] = _mm256_setzero_si256();
  for (size_t p = 0; p < n; ++p, b += kTileN) {
    __m256i columns[kNv];
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v)
      columns[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 8 * v));
#pragma GCC unroll 8
    for (size_t m = 0; m < kMr; ++m) {
      const __m256i x = _mm256_set1_epi32(static_cast<int>(a[m * stride + p]));
#pragma GCC unroll 2
      for (size_t v = 0; v < kNv; ++v) sums[m][v] = plus(sums[m][v], _mm256_madd_epi16(x, columns[v]));
    }
  }
}

// The rows that the next tile probably reads at the same k: they lie too far apart to be guessed.
template <size_t kMr>
inline void ask_next_rows(const uint32_t* a, size_t stride) noexcept {
#pragma GCC unroll 8
  for (size_t m = kMr; m < 2 * kMr; ++m) {
    __builtin_prefetch(a + m * stride);
    __builtin_prefetch(a + m * stride + 16);
  }
}

// totals = or += what the run's sums count.
template <size_t kMr, size_t kNv>
inline void close_run(const __m256i (&sums)[kMr][kNv], const float* factors, size_t n_factors, bool add,
                      __m256 (&totals)[kMr][kNv]) noexcept {
#pragma GCC unroll 8
  for (size_t m = 0; m < kMr; ++m) {
    const __m256 factor = _mm256_broadcast_ss(factors + m * n_factors);
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) {
      const __m256 sum = _mm256_cvtepi32_ps(sums[m][v]);
      totals[m][v] = add ? _mm256_fmadd_ps(sum, factor, totals[m][v]) : _mm256_mul_ps(sum, factor);
    }
  }
}

inline void store_some(float* out, __m256 y, size_t n, bool accumulate) noexcept {
  if (n >= 8) {
    _mm256_storeu_ps(out, accumulate ? _mm256_add_ps(_mm256_loadu_ps(out), y) : y);
    return;
  }
  float line[8];
  _mm256_storeu_ps(line, y);
  for (size_t i = 0; i < n; ++i) out[i] = accumulate ? out[i] + line[i] : line[i];
}

template <size_t kMr, size_t kNv>
void tile_rows(size_t nr, size_t k_pairs, const I16Rows& a, const uint32_t* b, const float* b_factors,
               float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  __m256 totals[kMr][kNv];
  // The results' lines lie far apart, and were last seen a panel ago.
#pragma GCC unroll 8
  for (size_t m = 0; m < kMr; ++m) __builtin_prefetch(c + m * ldc, 1);
  for (size_t p = 0; p < k_pairs; p += kRunPairs) {
    __m256i sums[kMr][kNv];
    ask_next_rows<kMr>(a.codes + p, a.stride);
    add_run(std::min(kRunPairs, k_pairs - p), a.codes + p, a.stride, b + p * kTileN, sums);
    close_run(sums, a.factors + p / kRunPairs, a.n_factors, p > 0, totals);
  }
#pragma GCC unroll 2
  for (size_t v = 0; v < kNv; ++v) {
    const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(alpha), _mm256_loadu_ps(b_factors + 8 * v));
#pragma GCC unroll 8
    for (size_t m = 0; m < kMr; ++m)
      store_some(c + m * ldc + 8 * v, _mm256_mul_ps(scale, totals[m][v]), nr - 8 * v, accumulate);
  }
}

template <size_t kMr>
void dispatch(size_t mr, size_t nr, size_t k_pairs, const I16Rows& a, const uint32_t* b,
              const float* b_factors, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  if (mr == kMr) {
    if (nr <= 8) return tile_rows<kMr, 1>(nr, k_pairs, a, b, b_factors, c, ldc, alpha, accumulate);
    return tile_rows<kMr, 2>(nr, k_pairs, a, b, b_factors, c, ldc, alpha, accumulate);
  }
  if constexpr (kMr > 1) dispatch<kMr - 1>(mr, nr, k_pairs, a, b, b_factors, c, ldc, alpha, accumulate);
}

void tile(size_t mr, size_t nr, size_t k_pairs, const I16Rows& a, const uint32_t* b, const float* b_factors,
          float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  dispatch<kTileM>(mr, nr, k_pairs, a, b, b_factors, c, ldc, alpha, accumulate);
}

// A whole run of x; returns its factor.
inline float encode_run(const float* x, int16_t* codes) noexcept {
  Vec v[kI16Run / 8], top[2], total[2];
  for (size_t i = 0; i < 2; ++i) top[i] = total[i] = broadcast(0.0f);
#pragma GCC unroll 8
  for (size_t i = 0; i < kI16Run / 8; ++i) {
    v[i] = load(x + 8 * i);
    top[i % 2] = vmax(abs(v[i]), top[i % 2]);
    total[i % 2] = add(total[i % 2], abs(v[i]));
  }
  const float largest = reduce_max(vmax(top[0], top[1])), size = sum(add(total[0], total[1]));
  float scale = std::min(kI16RowLargest / largest, kI16RowSum / size);
  float factor = 1.0f / scale;
  if (!(size <= __FLT_MAX__)) {
    scale = 0;
    factor = __builtin_nanf("");
  } else if (largest < kI16Zero) {
    scale = factor = 0;
  }
  const Vec s = broadcast(scale);
#pragma GCC unroll 4
  for (size_t i = 0; i < kI16Run / 8; i += 2) {
    const __m256i words =
        _mm256_packs_epi32(_mm256_cvtps_epi32(mul(s, v[i]).v), _mm256_cvtps_epi32(mul(s, v[i + 1]).v));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + 8 * i), _mm256_permute4x64_epi64(words, 0xd8));
  }
  return factor;
}

void encode_row(size_t n, const float* x, int16_t* codes, float* factors) noexcept {
  size_t i = 0;
  for (; i + kI16Run <= n; i += kI16Run) *factors++ = encode_run(x + i, codes + i);
  if (i == n) return;
  alignas(32) float rest[kI16Run] = {};
  alignas(32) int16_t rest_codes[kI16Run];
  std::memcpy(rest, x + i, (n - i) * sizeof(float));
  *factors = encode_run(rest, rest_codes);
  std::memcpy(codes + i, rest_codes, (n - i) * sizeof(int16_t));
}

// Scales of eight columns from their largest numbers; NaN where one was not finite.
inline __m256 column_scales(__m256 top, __m256 lost, float* factors) noexcept {
  const __m256 zero = _mm256_cmp_ps(top, _mm256_set1_ps(kI16Zero), _CMP_LT_OQ);
  const __m256 most = _mm256_set1_ps(static_cast<float>(kI16Largest));
  const __m256 scale = _mm256_andnot_ps(_mm256_or_ps(zero, lost), _mm256_div_ps(most, top));
  __m256 factor = _mm256_andnot_ps(zero, _mm256_div_ps(_mm256_set1_ps(1.0f), scale));
  factor = _mm256_blendv_ps(factor, _mm256_set1_ps(__builtin_nanf("")), lost);
  _mm256_storeu_ps(factors, factor);
  return scale;
}

void encode_panel(size_t k, const float* x, size_t stride, uint32_t* panel, float* factors) noexcept {
  __m256 top[2], lost[2], scale[2];
  for (size_t v = 0; v < 2; ++v) top[v] = lost[v] = _mm256_setzero_ps();
  for (size_t i = 0; i < k; ++i)
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) {
      const __m256 y = _mm256_loadu_ps(x + i * stride + 8 * v);
      top[v] = _mm256_max_ps(abs(Vec{y}).v, top[v]);
      // Zero unless y is not finite.
      lost[v] = _mm256_or_ps(lost[v], _mm256_sub_ps(y, y));
    }
  for (size_t v = 0; v < 2; ++v) {
    const __m256 nan = _mm256_cmp_ps(lost[v], lost[v], _CMP_UNORD_Q);
    scale[v] = column_scales(top[v], nan, factors + 8 * v);
  }
  // A column that is lost has codes of no meaning, which its factor makes NaN.
  for (size_t i = 0; i < k; i += 2, panel += kTileN)
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) {
      const float* at = x + i * stride + 8 * v;
      const __m256i even = _mm256_cvtps_epi32(_mm256_mul_ps(scale[v], _mm256_loadu_ps(at)));
      __m256i odd = _mm256_setzero_si256();
      if (i + 1 < k) odd = _mm256_cvtps_epi32(_mm256_mul_ps(scale[v], _mm256_loadu_ps(at + stride)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(panel + 8 * v),
                          _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xaa));
    }
}

constexpr I16Kernels kTable = {
    .tile_m = kTileM, .tile_n = kTileN, .tile = tile, .encode_row = encode_row, .encode_panel = encode_panel};

}  // namespace
}  // namespace avx2

const I16Kernels& i16_avx2() noexcept {
  return avx2::kTable;
}

}  // namespace hone
