// Sixteen f32 lanes. Included only by avx512/*.cpp.
#pragma once

// The tests build this ISA on top of an emulation where the processor lacks it.
#if defined(HONE_EMULATE_AVX512)
#include "kernels/avx512/emulated.h"
#else
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace hone::avx512 {

struct Vec {
  static constexpr size_t kLanes = 16;
  static constexpr size_t kTileM = 12;
  __m512 v;
};

static inline Vec load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
static inline void store(float* p, Vec a) {
  _mm512_storeu_ps(p, a.v);
}
static inline __mmask16 first_lanes(size_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1u);
}
// n < kLanes elements, zeros in the other lanes; the same of a vector; only n elements written.
static inline Vec load_first(const float* p, size_t n) {
  return {_mm512_maskz_loadu_ps(first_lanes(n), p)};
}
static inline Vec keep_first(Vec a, size_t n) {
  return {_mm512_maskz_mov_ps(first_lanes(n), a.v)};
}
static inline void store_first(float* p, size_t n, Vec a) {
  _mm512_mask_storeu_ps(p, first_lanes(n), a.v);
}
static inline Vec broadcast(float x) {
  return {_mm512_set1_ps(x)};
}
static inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
static inline Vec add(Vec a, Vec b) {
  return {_mm512_add_ps(a.v, b.v)};
}
static inline Vec sub(Vec a, Vec b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
static inline Vec mul(Vec a, Vec b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
static inline Vec div(Vec a, Vec b) {
  return {_mm512_div_ps(a.v, b.v)};
}
static inline Vec vmax(Vec a, Vec b) {
  return {_mm512_max_ps(a.v, b.v)};
}
static inline Vec vmin(Vec a, Vec b) {
  return {_mm512_min_ps(a.v, b.v)};
}
static inline Vec round(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline Vec scale_pow2(Vec a, Vec n) {
  return {_mm512_scalef_ps(a.v, n.v)};
}
static inline Vec abs(Vec a) {
  return {_mm512_abs_ps(a.v)};
}
static inline __m256 low_half(Vec a) {
  return _mm512_castps512_ps256(a.v);
}
static inline __m256 high_half(Vec a) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1));
}
static inline float sum(Vec a) {
  const __m256 h = _mm256_add_ps(low_half(a), high_half(a));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline double sum_double(Vec a) {
  const __m256 low = low_half(a), high = high_half(a);
  const __m256d s = _mm256_add_pd(_mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(low)),
                                                _mm256_cvtps_pd(_mm256_extractf128_ps(low, 1))),
                                  _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(high)),
                                                _mm256_cvtps_pd(_mm256_extractf128_ps(high, 1))));
  const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
  return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}
static inline float reduce_max(Vec a) {
  const __m256 h = _mm256_max_ps(low_half(a), high_half(a));
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
// Neighbours exchanged: 1 0 3 2 …
static inline Vec swap_pairs(Vec a) {
  return {_mm512_permute_ps(a.v, 0xb1)};
}
static inline Vec load_f16(const std::byte* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
// kLanes signed bytes.
static inline Vec load_i8(const std::byte* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
static inline Vec load_bf16(const std::byte* p) {
  const __m512i w = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))};
}

// Sixteen of one row, then sixteen of the other, to neighbours: an order for permutexvar_epi16.
static inline __m512i interleave_halves() {
  alignas(64) uint16_t order[32];
  for (uint16_t i = 0; i < 16; ++i) {
    order[2 * i] = i;
    order[2 * i + 1] = static_cast<uint16_t>(16 + i);
  }
  return _mm512_load_si512(order);
}

// Two rows side by side in bf16: y[i] = (low: even[i], high: odd[i]).
static constexpr bool kBf16Pairs = true;
static inline void store_bf16_pairs(uint32_t* y, Vec even, Vec odd) {
  const __m512bh both = _mm512_cvtne2ps_pbh(odd.v, even.v);
  __m512i halves;
  __builtin_memcpy(&halves, &both, 64);
  _mm512_storeu_si512(y, _mm512_permutexvar_epi16(interleave_halves(), halves));
}

// kLanes int32, and kLanes groups of four bytes.
struct Ints {
  __m512i v;
};
struct Bytes {
  __m512i v;
};
// dot4() multiplies signed codes as unsigned ones after adding 128.
static constexpr bool kSignedDot = false, kPairSums = false;
static constexpr size_t kInt8Rows = 4, kInt8Vecs = 3;  // 12 sums as int32, 12 as f32, of 32 registers

static inline Ints splat(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
static inline Vec to_float(Ints a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
static inline Ints load_ints(const std::byte* p) {
  return {_mm512_loadu_si512(p)};
}
// Pairs of bf16 apart.
static inline Vec low_halves(Ints a) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(a.v, 16))};
}
static inline Vec high_halves(Ints a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(a.v, _mm512_set1_epi32(-65536)))};
}
// The lanes where test is above zero, side by side; lane i is number first + i. Writes whole vectors; gives
// back how many.
static inline size_t put_positive(Vec test, Vec values, uint32_t first, uint32_t* ids, float* out) {
  const __mmask16 keep = _mm512_cmp_ps_mask(test.v, _mm512_setzero_ps(), _CMP_GT_OQ);
  const __m512i lanes =
      _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)),
                       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  _mm512_storeu_si512(ids, _mm512_maskz_compress_epi32(keep, lanes));
  _mm512_storeu_ps(out, _mm512_maskz_compress_ps(keep, values.v));
  return static_cast<size_t>(__builtin_popcount(keep));
}
static inline Ints load_u8(const std::byte* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
static inline Ints load_u16(const std::byte* p) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
static inline Ints shift_and(Ints a, int right, uint32_t mask) {
  return {_mm512_and_si512(_mm512_srli_epi32(a.v, static_cast<unsigned>(right)),
                           _mm512_set1_epi32(static_cast<int>(mask)))};
}
static inline Bytes load_bytes(const std::byte* p) {
  return {_mm512_loadu_si512(p)};
}
static inline void store_bytes(uint8_t* p, Bytes a) {
  _mm512_storeu_si512(p, a.v);
}
static inline Bytes low_nibbles(Bytes a) {
  return {_mm512_and_si512(a.v, _mm512_set1_epi8(15))};
}
static inline Bytes high_nibbles(Bytes a) {
  return {_mm512_and_si512(_mm512_srli_epi16(a.v, 4), _mm512_set1_epi8(15))};
}
static inline Ints either(Ints a, Ints b) {
  return {_mm512_or_si512(a.v, b.v)};
}
static inline Bytes either(Bytes a, Bytes b) {
  return {_mm512_or_si512(a.v, b.v)};
}
// Byte i of every int, signed.
static inline Ints signed_byte(Ints a, int i) {
  return {_mm512_srai_epi32(_mm512_slli_epi32(a.v, static_cast<unsigned>(24 - 8 * i)), 24)};
}
// Every byte's bits moved down by `right` (up when negative), then masked; the mask holds no bit that another
// byte moved into.
static inline Bytes bits_at(Bytes a, int right, uint8_t mask) {
  const __m512i moved = right >= 0 ? _mm512_srli_epi16(a.v, static_cast<unsigned>(right))
                                   : _mm512_slli_epi16(a.v, static_cast<unsigned>(-right));
  return {_mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(mask)))};
}
// 2^(e - 128), subnormal numbers too.
static inline Vec half_of_power(Ints e) {
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e.v, one), 23);
  const __m512i subnormal = _mm512_slli_epi32(_mm512_add_epi32(e.v, one), 21);
  const __mmask16 is_normal = _mm512_cmpgt_epi32_mask(e.v, one);
  return {_mm512_castsi512_ps(_mm512_mask_mov_epi32(subnormal, is_normal, normal))};
}
// Entry a of the table, a < 16.
static inline Bytes lookup(Bytes a, const int8_t (&table)[16]) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), a.v)};
}
static inline Bytes flip_sign(Bytes a) {
  return {_mm512_xor_si512(a.v, _mm512_set1_epi8(-128))};
}
// sums + the dot products of four unsigned codes with the four signed bytes at a.
static inline Ints dot4(Ints sums, Bytes codes, const int8_t* a) {
  int32_t four;
  __builtin_memcpy(&four, a, 4);
  return {_mm512_dpbusd_epi32(sums.v, codes.v, _mm512_set1_epi32(four))};
}
// The same for signed codes.
static inline Ints dot4_signed(Ints sums, Bytes codes, const int8_t* a) {
  int32_t four;
  __builtin_memcpy(&four, a, 4);
  const __m512i x = _mm512_set1_epi32(four);
  const __m512i turned = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(codes.v), _mm512_setzero_si512(), x);
  return {_mm512_dpbusd_epi32(sums.v, _mm512_abs_epi8(codes.v), turned)};
}
// Larger of `largest`, which is not negative, and |a|; a NaN is larger than any number.
static inline Vec larger_size(Vec largest, Vec a) {
  return {
      _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(largest.v), _mm512_castps_si512(abs(a).v)))};
}
// The lowest byte of the bits of every a, b, c and d, in this order.
static inline Bytes lowest_bytes(Vec a, Vec b, Vec c, Vec d) {
  const auto bits = [](Vec x) { return _mm512_castps_si512(x.v); };
  constexpr int kSelect = 0xca;  // of the second where the first is set, otherwise of the third
  const __m512i byte = _mm512_set1_epi32(0x00ff00ff), half = _mm512_set1_epi32(0x0000ffff);
  const __m512i low = _mm512_ternarylogic_epi32(byte, bits(a), _mm512_slli_epi32(bits(b), 8), kSelect);
  const __m512i high = _mm512_ternarylogic_epi32(byte, bits(c), _mm512_slli_epi32(bits(d), 8), kSelect);
  return {_mm512_ternarylogic_epi32(half, low, _mm512_slli_epi32(high, 16), kSelect)};
}
// Byte i of every group of four, as an unsigned number.
static inline Vec byte_of(Bytes a, int i) {
  return to_float(shift_and(Ints{a.v}, 8 * i, 255));
}

}  // namespace hone::avx512
