// Products in f16 over 32 lanes of AVX512-FP16: two k of 16 columns, with a sum for each k.
#include <immintrin.h>

#include <algorithm>

#include "kernels/avx512/simd_avx512.h"
#include "kernels/tables.h"

namespace hone {
namespace avx512 {
namespace {

constexpr size_t kTileM = 12, kTileN = 64, kLeastN = 16;

// kMr rows of C and kNv vectors of 16 columns. Of the shapes with 24 sums, 6 x 4 needs the fewest loads.
template <size_t kMr, size_t kNv>
class Block {
 public:
  // The products of n pairs of k, at most kF16Run.
  void run(size_t n, const uint32_t* a, size_t lda, const uint32_t* b, size_t ldb) noexcept {
    __m512h sum[kMr][kNv];
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 4
      for (size_t v = 0; v < kNv; ++v) sum[m][v] = _mm512_setzero_ph();
    const auto add_pair = [&](const uint32_t* x, const uint32_t* y) {
      __m512h columns[kNv];
#pragma GCC unroll 4
      for (size_t v = 0; v < kNv; ++v) columns[v] = _mm512_loadu_ph(y + 16 * v);
#pragma GCC unroll 16
      for (size_t m = 0; m < kMr; ++m) {
        const __m512h row = _mm512_castsi512_ph(_mm512_set1_epi32(static_cast<int>(x[m * lda])));
#pragma GCC unroll 4
        for (size_t v = 0; v < kNv; ++v) sum[m][v] = _mm512_fmadd_ph(row, columns[v], sum[m][v]);
      }
    };
    for (; n >= 2; n -= 2, a += 2, b += 2 * ldb) {
      add_pair(a, b);
      add_pair(a + 1, b + ldb);
    }
    if (n > 0) add_pair(a, b);
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 4
      for (size_t v = 0; v < kNv; ++v) _mm512_store_ph(halves_[m][v], sum[m][v]);
    // By way of memory: widening what a register holds takes a shuffle more for each half of it.
    asm volatile("" : : : "memory");
  }

  // The run's sums, to or instead of those in f32.
  void widen(bool add) noexcept {
    for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 4
      for (size_t v = 0; v < kNv; ++v)
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h) _mm512_store_ps(wide_[m][v][h], sum(m, v, h, add));
  }

  // C = or += the last run's sums, with those in f32 if there were others.
  void store(size_t nr, bool others, float* c, size_t ldc, const float* scales, float alpha,
             bool accumulate) noexcept {
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
                  odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    for (size_t m = 0; m < kMr; ++m, c += ldc) {
      const __m512 scale = _mm512_set1_ps(alpha * scales[m]);
#pragma GCC unroll 4
      for (size_t v = 0; v < kNv; ++v) {
        if (16 * v >= nr) break;
        const __mmask16 mask = first_lanes(nr - 16 * v);
        const __m512 low = sum(m, v, 0, others), high = sum(m, v, 1, others);
        const __m512 both =
            _mm512_add_ps(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high));
        __m512 y = _mm512_mul_ps(scale, both);
        if (accumulate) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, c + 16 * v));
        _mm512_mask_storeu_ps(c + 16 * v, mask, y);
      }
    }
  }

 private:
  __m512 sum(size_t m, size_t v, size_t h, bool add) const noexcept {
    const __m512 s = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves_[m][v]) + h));
    return add ? _mm512_add_ps(s, _mm512_load_ps(wide_[m][v][h])) : s;
  }
  // As the halves lie: even and odd k of the first eight columns, then of the others.
  alignas(64) float wide_[kMr][kNv][2][16];
  alignas(64) uint16_t halves_[kMr][kNv][32];
};

// A tile's operands and its place.
struct Tile {
  size_t mr, nr, k_pairs;
  const uint32_t* a;
  size_t lda;
  const uint32_t* b;
  size_t ldb;
  float* c;
  size_t ldc;
  const float* scales;
  float alpha;
  bool accumulate;
};

template <size_t kMr, size_t kNv>
void multiply(const Tile& t) noexcept {
  if constexpr (kMr > 1)
    if (t.mr < kMr) return multiply<kMr - 1, kNv>(t);
  // The results' lines lie far apart, and were last seen a panel ago.
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 4
    for (size_t v = 0; v < kNv; ++v) __builtin_prefetch(t.c + m * t.ldc + 16 * v, 1);
  Block<kMr, kNv> block;
  size_t p = 0;
  for (; t.k_pairs - p > kF16Run; p += kF16Run) {
    block.run(kF16Run, t.a + p, t.lda, t.b + p * t.ldb, t.ldb);
    block.widen(p > 0);
  }
  block.run(t.k_pairs - p, t.a + p, t.lda, t.b + p * t.ldb, t.ldb);
  block.store(t.nr, p > 0, t.c, t.ldc, t.scales, t.alpha, t.accumulate);
}

void tile(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b, size_t ldb,
          float* c, size_t ldc, const float* scales, float alpha, bool accumulate) noexcept {
  const Tile all{mr, nr, k_pairs, a, lda, b, ldb, c, ldc, scales, alpha, accumulate};
  if (nr <= kTileN / 4) return multiply<kTileM, 1>(all);
  if (nr <= kTileN / 2) return multiply<kTileM, 2>(all);
  Tile part = all;
  part.mr = mr > kTileM / 2 ? (mr + 1) / 2 : mr;
  multiply<kTileM / 2, 4>(part);
  if (part.mr == mr) return;
  part.a += part.mr * lda;
  part.c += part.mr * ldc;
  part.scales += part.mr;
  part.mr = mr - part.mr;
  multiply<kTileM / 2, 4>(part);
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
                               .widths = {kTileN, kLeastN},
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
