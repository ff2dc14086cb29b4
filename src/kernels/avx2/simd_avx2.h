// Eight f32 lanes. Included only by avx2/*.cpp.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace hone::avx2 {

struct Vec {
  static constexpr size_t kLanes = 8;
  static constexpr size_t kTileM = 6;
  __m256 v;
};

static inline Vec load(const float* p) {
  return {_mm256_loadu_ps(p)};
}
static inline void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.v);
}
static inline __m256i first_lanes(size_t n) {
  static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - n));
}
// n < kLanes elements, zeros in the other lanes; the same of a vector; only n elements written.
static inline Vec load_first(const float* p, size_t n) {
  return {_mm256_maskload_ps(p, first_lanes(n))};
}
static inline Vec keep_first(Vec a, size_t n) {
  return {_mm256_and_ps(a.v, _mm256_castsi256_ps(first_lanes(n)))};
}
static inline void store_first(float* p, size_t n, Vec a) {
  _mm256_maskstore_ps(p, first_lanes(n), a.v);
}
static inline Vec broadcast(float x) {
  return {_mm256_set1_ps(x)};
}
static inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
static inline Vec add(Vec a, Vec b) {
  return {_mm256_add_ps(a.v, b.v)};
}
static inline Vec sub(Vec a, Vec b) {
  return {_mm256_sub_ps(a.v, b.v)};
}
static inline Vec mul(Vec a, Vec b) {
  return {_mm256_mul_ps(a.v, b.v)};
}
static inline Vec div(Vec a, Vec b) {
  return {_mm256_div_ps(a.v, b.v)};
}
static inline Vec vmax(Vec a, Vec b) {
  return {_mm256_max_ps(a.v, b.v)};
}
static inline Vec vmin(Vec a, Vec b) {
  return {_mm256_min_ps(a.v, b.v)};
}
static inline Vec round(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// a * 2^n for integral n in [-126, 127].
static inline Vec scale_pow2(Vec a, Vec n) {
  const __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127)), 23);
  return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(e))};
}
static inline Vec abs(Vec a) {
  return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)};
}
static inline float sum(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline double sum_double(Vec a) {
  const __m256d s = _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a.v)),
                                  _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1)));
  const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
  return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}
static inline float reduce_max(Vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
// Neighbours exchanged: 1 0 3 2 …
static inline Vec swap_pairs(Vec a) {
  return {_mm256_permute_ps(a.v, 0xb1)};
}
static inline Vec load_f16(const std::byte* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
// kLanes signed bytes.
static inline Vec load_i8(const std::byte* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
static inline Vec load_bf16(const std::byte* p) {
  const __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(w, 16))};
}
// bf16 bits in the low half of each 32-bit lane, round to nearest even, NaN quieted.
static inline __m256i bf16_bits(Vec a) {
  const __m256i x = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(64));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(rounded, quiet, nan);
}

// kLanes int32, and kLanes groups of four bytes.
struct Ints {
  __m256i v;
};
struct Bytes {
  __m256i v;
};
#if defined(HONE_VNNI_256)
// dot4() multiplies signed codes as unsigned ones after adding 128.
static constexpr bool kSignedDot = false, kPairSums = false;
#else
// dot4() of codes up to 127; signed codes have a product of their own, since sums of two u8 x s8 would
// saturate. Smaller codes are summed in 16 bits for a while.
static constexpr bool kSignedDot = true, kPairSums = true;
#endif
// Nothing multiplies pairs of bf16: declared only.
static constexpr bool kBf16Pairs = false;
template <typename V>
void store_bf16_pairs(uint32_t* y, V even, V odd);
static constexpr size_t kInt8Rows = 4, kInt8Vecs = 2;  // the f32 sums, touched once a run, wait in memory

static inline Ints splat(int32_t x) {
  return {_mm256_set1_epi32(x)};
}
static inline Vec to_float(Ints a) {
  return {_mm256_cvtepi32_ps(a.v)};
}
static inline Ints load_ints(const std::byte* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
// Pairs of bf16 apart.
static inline Vec low_halves(Ints a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(a.v, 16))};
}
static inline Vec high_halves(Ints a) {
  return {_mm256_castsi256_ps(_mm256_and_si256(a.v, _mm256_set1_epi32(-65536)))};
}
// The lanes where test is above zero, side by side; lane i is number first + i. Gives back how many.
static inline size_t put_positive(Vec test, Vec values, uint32_t first, uint32_t* ids, float* out) {
  auto keep =
      static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(test.v, _mm256_setzero_ps(), _CMP_GT_OQ)));
  float lanes[Vec::kLanes];
  if (keep != 0) store(lanes, values);
  size_t kept = 0;
  for (; keep != 0; keep &= keep - 1) {
    const auto lane = static_cast<uint32_t>(__builtin_ctz(keep));
    ids[kept] = first + lane;
    out[kept++] = lanes[lane];
  }
  return kept;
}
static inline Ints load_u8(const std::byte* p) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
static inline Ints load_u16(const std::byte* p) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
static inline Ints shift_and(Ints a, int right, uint32_t mask) {
  return {_mm256_and_si256(_mm256_srli_epi32(a.v, right), _mm256_set1_epi32(static_cast<int>(mask)))};
}
static inline Bytes load_bytes(const std::byte* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
static inline void store_bytes(uint8_t* p, Bytes a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
static inline Bytes low_nibbles(Bytes a) {
  return {_mm256_and_si256(a.v, _mm256_set1_epi8(15))};
}
static inline Bytes high_nibbles(Bytes a) {
  return {_mm256_and_si256(_mm256_srli_epi16(a.v, 4), _mm256_set1_epi8(15))};
}
static inline Ints either(Ints a, Ints b) {
  return {_mm256_or_si256(a.v, b.v)};
}
static inline Bytes either(Bytes a, Bytes b) {
  return {_mm256_or_si256(a.v, b.v)};
}
// Byte i of every int, signed.
static inline Ints signed_byte(Ints a, int i) {
  return {_mm256_srai_epi32(_mm256_slli_epi32(a.v, 24 - 8 * i), 24)};
}
// Every byte's bits moved down by `right` (up when negative), then masked; the mask holds no bit that another
// byte moved into.
static inline Bytes bits_at(Bytes a, int right, uint8_t mask) {
  const __m256i moved = right >= 0 ? _mm256_srli_epi16(a.v, right) : _mm256_slli_epi16(a.v, -right);
  return {_mm256_and_si256(moved, _mm256_set1_epi8(static_cast<char>(mask)))};
}
// 2^(e - 128), subnormal numbers too.
static inline Vec half_of_power(Ints e) {
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e.v, one), 23);
  const __m256i subnormal = _mm256_slli_epi32(_mm256_add_epi32(e.v, one), 21);
  return {_mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, _mm256_cmpgt_epi32(e.v, one)))};
}
// Entry a of the table, a < 16.
static inline Bytes lookup(Bytes a, const int8_t (&table)[16]) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), a.v)};
}
static inline Bytes flip_sign(Bytes a) {
  return {_mm256_xor_si256(a.v, _mm256_set1_epi8(-128))};
}
static inline __m256i four_bytes(const int8_t* a) {
  int32_t four;
  __builtin_memcpy(&four, a, 4);
  return _mm256_set1_epi32(four);
}
#if defined(HONE_VNNI_256)
// sums + the dot products of four unsigned codes with the four signed bytes at a. The same instruction has
// two encodings: VEX (AVX-VNNI) and EVEX (AVX-512, where the tests can run it).
static inline Ints dot4(Ints sums, Bytes codes, const int8_t* a) {
#if defined(__AVXVNNI__)
  return {_mm256_dpbusd_avx_epi32(sums.v, codes.v, four_bytes(a))};
#else
  return {_mm256_dpbusd_epi32(sums.v, codes.v, four_bytes(a))};
#endif
}
#else
// Products of two neighbours, summed in 16 bits.
struct Pairs {
  __m256i v;
};
static inline Pairs pair_products(Bytes codes, const int8_t* a) {
  return {_mm256_maddubs_epi16(codes.v, four_bytes(a))};
}
// In place and where it is written: GCC would move the additions of a tile behind all its products, which
// spills.
static inline Pairs add(Pairs a, Pairs b) {
  asm("vpaddw %1, %0, %0" : "+x"(a.v) : "x"(b.v));
  return a;
}
static inline Ints add_pairs(Ints sums, Pairs pairs) {
  return {_mm256_add_epi32(sums.v, _mm256_madd_epi16(pairs.v, _mm256_set1_epi16(1)))};
}
// sums + the dot products of four unsigned codes (at most 127) with the four signed bytes at a.
static inline Ints dot4(Ints sums, Bytes codes, const int8_t* a) {
  return add_pairs(sums, pair_products(codes, a));
}
// The same for signed codes.
static inline Ints dot4_signed(Ints sums, Bytes codes, const int8_t* a) {
  const __m256i turned = _mm256_sign_epi8(four_bytes(a), codes.v);
  return add_pairs(sums, {_mm256_maddubs_epi16(_mm256_abs_epi8(codes.v), turned)});
}
#endif
// Larger of `largest`, which is not negative, and |a|; a NaN is larger than any number.
static inline Vec larger_size(Vec largest, Vec a) {
  return {
      _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(largest.v), _mm256_castps_si256(abs(a).v)))};
}
// The lowest byte of the bits of every a, b, c and d, in this order.
static inline Bytes lowest_bytes(Vec a, Vec b, Vec c, Vec d) {
  const auto bits = [](Vec x) { return _mm256_castps_si256(x.v); };
  const __m256i byte = _mm256_set1_epi16(-256);  // taken from the second
  const __m256i low = _mm256_blendv_epi8(bits(a), _mm256_slli_epi32(bits(b), 8), byte);
  const __m256i high = _mm256_blendv_epi8(bits(c), _mm256_slli_epi32(bits(d), 8), byte);
  return {_mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa)};
}
// Byte i of every group of four, as an unsigned number.
static inline Vec byte_of(Bytes a, int i) {
  return to_float(shift_and(Ints{a.v}, 8 * i, 255));
}

}  // namespace hone::avx2
