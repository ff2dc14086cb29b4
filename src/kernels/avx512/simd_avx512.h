// Sixteen f32 lanes. Included only by avx512/*.cpp.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace hone::avx512 {

struct Vec {
  static constexpr size_t kLanes = 16;
  static constexpr size_t kTileM = 12;
  __m512 v;
};

static inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
static inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
static inline Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
static inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
static inline Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
static inline Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
static inline Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
static inline Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
static inline Vec vmax(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
static inline Vec vmin(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
static inline Vec round(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline Vec scale_pow2(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
static inline Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
static inline float sum(Vec a) { return _mm512_reduce_add_ps(a.v); }
static inline double sum_double(Vec a) {
  return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(a.v)),
                                            _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))));
}
static inline float reduce_max(Vec a) { return _mm512_reduce_max_ps(a.v); }
static inline Vec load_f16(const std::byte* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
static inline Vec load_bf16(const std::byte* p) {
  const __m512i w = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))};
}

}  // namespace hone::avx512
