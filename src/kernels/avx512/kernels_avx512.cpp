// The AVX-512 table: 512-bit f32, VNNI int8 dots, BF16 products with f32 accumulation.
#include "kernels/ahead.h"
#include "kernels/avx512/simd_avx512.h"
#include "kernels/tables.h"
#include "kernels/unroll.h"

namespace hone {
namespace avx512 {
namespace {

// Each of these bodies builds on the one before.
// clang-format off
#include "kernels/shared_ymm.h"
#include "kernels/stored_floats.h"
#include "kernels/dots.h"
#include "kernels/generic_f32.h"
#include "kernels/sparse_rows.h"
#include "kernels/attend.h"
// clang-format on

void to_bf16(size_t n, const float* x, uint16_t* y) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256bh h = _mm512_cvtneps_pbh(_mm512_loadu_ps(x + i));
    __builtin_memcpy(y + i, &h, 32);
  }
  for (; i < n; ++i) {
    const __m128bh h = _mm_cvtneps_pbh(_mm_set_ss(x[i]));
    __builtin_memcpy(y + i, &h, 2);
  }
}

void halves_of_f16(const std::byte* w, uint16_t* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 2 * i));
    const __m256bh h = _mm512_cvtneps_pbh(_mm512_cvtph_ps(x));
    __builtin_memcpy(y + i, &h, 32);
  }
  for (; i < n; ++i) {
    const __m128bh h = _mm_cvtneps_pbh(_mm_set_ss(half_at(w + 2 * i)));
    __builtin_memcpy(y + i, &h, 2);
  }
}

void pair_bf16(size_t n, const float* even, const float* odd, uint32_t* y) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) store_bf16_pairs(y + i, load(even + i), load(odd + i));
  for (; i < n; ++i) {
    uint16_t e, o;
    to_bf16(1, even + i, &e);
    to_bf16(1, odd + i, &o);
    y[i] = static_cast<uint32_t>(e) | static_cast<uint32_t>(o) << 16;
  }
}

void pair_f16(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept {
  const __m512i order = interleave_halves();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 low = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(even + 2 * i))),
                 high = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(odd + 2 * i)));
    const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
    __m512i halves;
    __builtin_memcpy(&halves, &both, 64);
    _mm512_storeu_si512(y + i, _mm512_permutexvar_epi16(order, halves));
  }
  pair_stored<halves_of_f16, 2>(even + 2 * i, odd + 2 * i, y + i, n - i);
}

void pair_stored_bf16(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512i low = _mm512_cvtepu16_epi32(
                      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(even + 2 * i))),
                  high = _mm512_cvtepu16_epi32(
                      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(odd + 2 * i)));
    _mm512_storeu_si512(y + i, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
  pair_stored<halves_of_bf16, 2>(even + 2 * i, odd + 2 * i, y + i, n - i);
}

void pair_f32(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept {
  pair_bf16(n, reinterpret_cast<const float*>(even), reinterpret_cast<const float*>(odd), y);
}

PairRows pair_rows(FormatId format) noexcept {
  if (format == FormatId::kF32) return pair_f32;
  if (format == FormatId::kF16) return pair_f16;
  return format == FormatId::kBF16 ? pair_stored_bf16 : nullptr;
}

// kNv vectors of columns: narrow products (LoRA's rank) take one.
template <size_t kMr, size_t kNv>
void tile_bf16_rows(size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b, float* c,
                    size_t ldc, float alpha, bool accumulate) noexcept {
  __m512 sum[kMr][kNv];
#pragma GCC unroll 16
  for (size_t m = 0; m < kMr; ++m)
#pragma GCC unroll 2
    for (size_t v = 0; v < kNv; ++v) sum[m][v] = _mm512_setzero_ps();
  for (size_t p = 0; p < k_pairs; ++p, b += 32) {
    // Two names instead of an array, which GCC 12 would keep in memory.
    __m512bh column0, column1;
    __builtin_memcpy(&column0, b, 64);
    if constexpr (kNv == 2) __builtin_memcpy(&column1, b + 16, 64);
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m) {
      const __m512i pair = _mm512_set1_epi32(static_cast<int>(a[m * lda + p]));
      __m512bh x;
      __builtin_memcpy(&x, &pair, 64);
      sum[m][0] = _mm512_dpbf16_ps(sum[m][0], x, column0);
      if constexpr (kNv == 2) sum[m][1] = _mm512_dpbf16_ps(sum[m][1], x, column1);
    }
  }
  const __m512 scale = _mm512_set1_ps(alpha);
#pragma GCC unroll 2
  for (size_t v = 0; v < kNv; ++v) {
    const size_t n = nr - 16 * v;
    const auto mask = static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1u);
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m) {
      float* out = c + m * ldc + 16 * v;
      __m512 y = _mm512_mul_ps(scale, sum[m][v]);
      if (accumulate) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, out));
      _mm512_mask_storeu_ps(out, mask, y);
    }
  }
}

template <size_t kMr>
void tile_bf16_dispatch(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda,
                        const uint32_t* b, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  if (mr == kMr) {
    if (nr <= 16) return tile_bf16_rows<kMr, 1>(nr, k_pairs, a, lda, b, c, ldc, alpha, accumulate);
    return tile_bf16_rows<kMr, 2>(nr, k_pairs, a, lda, b, c, ldc, alpha, accumulate);
  }
  if constexpr (kMr > 1) tile_bf16_dispatch<kMr - 1>(mr, nr, k_pairs, a, lda, b, c, ldc, alpha, accumulate);
}

void tile_bf16(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b,
               float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  tile_bf16_dispatch<12>(mr, nr, k_pairs, a, lda, b, c, ldc, alpha, accumulate);
}

void quantize_block(const float* x, int8_t* q, float* d, int32_t* sums) noexcept {
  const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
  const float top = reduce_max(Vec{_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high))});
  const __m512 inverse = _mm512_set1_ps(top > 0 ? 127.0f / top : 0.0f);
  const __m512i c0 = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse)),
                c1 = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
  const __m128i b0 = _mm512_cvtsepi32_epi8(c0), b1 = _mm512_cvtsepi32_epi8(c1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), b0);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q + 16), b1);
  // Sums of eight biased bytes at a time; the bias comes off again.
  const __m128i bias = _mm_set1_epi8(-128), zero = _mm_setzero_si128();
  const __m128i s0 = _mm_sad_epu8(_mm_xor_si128(b0, bias), zero),
                s1 = _mm_sad_epu8(_mm_xor_si128(b1, bias), zero);
  sums[0] = _mm_cvtsi128_si32(s0) + _mm_extract_epi32(s0, 2) - 16 * 128;
  sums[1] = _mm_cvtsi128_si32(s1) + _mm_extract_epi32(s1, 2) - 16 * 128;
  // A NaN is not lost among numbers: its block becomes NaN.
  const bool has_nan = _mm512_cmp_ps_mask(low, high, _CMP_UNORD_Q) != 0;
  *d = has_nan ? __builtin_nanf("") : top / 127.0f;
}

// The largest sizes of four blocks, a NaN being the largest: in the four lanes of one vector.
__m128 tops_of(const float* x) {
  __m512i top[4];
  HONE_UNROLL(4)
  for (size_t b = 0; b < 4; ++b)
    top[b] = _mm512_castps_si512(larger_size(abs(load(x + 32 * b)), load(x + 32 * b + 16)).v);
  // Sizes are ordered as the integers of the same bits. Each lane of 128 bits becomes one number per block.
  const __m512i t01 =
      _mm512_max_epi32(_mm512_unpacklo_epi32(top[0], top[1]), _mm512_unpackhi_epi32(top[0], top[1]));
  const __m512i t23 =
      _mm512_max_epi32(_mm512_unpacklo_epi32(top[2], top[3]), _mm512_unpackhi_epi32(top[2], top[3]));
  const __m512i all = _mm512_max_epi32(_mm512_unpacklo_epi64(t01, t23), _mm512_unpackhi_epi64(t01, t23));
  const __m256i half = _mm256_max_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_castsi128_ps(_mm_max_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

// 16 sums of 4 codes each.
__m512i sums_of_four(__m512i codes) {
  return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), codes);
}

// Four blocks at a time: what goes across the lanes is shared.
void quantize_four(const float* x, int8_t* q, float* d, int32_t* sums) noexcept {
  const __m128 tops = tops_of(x), most = _mm_set1_ps(127.0f);
  _mm_storeu_ps(d, _mm_div_ps(tops, most));
  const __m128 above = _mm_cmpgt_ps(tops, _mm_setzero_ps());
  const __m512 inverse = _mm512_castps128_ps512(_mm_and_ps(above, _mm_div_ps(most, tops)));
  __m512i codes[8];
  HONE_UNROLL(4)
  for (int b = 0; b < 4; ++b) {
    const __m512 scale = _mm512_permutexvar_ps(_mm512_set1_epi32(b), inverse);
    codes[2 * b] = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + 32 * b).v, scale));
    codes[2 * b + 1] = _mm512_cvtps_epi32(_mm512_mul_ps(load(x + 32 * b + 16).v, scale));
  }
  // Packing leaves four codes of one vector after four of the next.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const auto pack = [&](const __m512i* c) {
    return _mm512_permutexvar_epi32(
        order, _mm512_packs_epi16(_mm512_packs_epi32(c[0], c[1]), _mm512_packs_epi32(c[2], c[3])));
  };
  const __m512i q0 = pack(codes), q1 = pack(codes + 4);
  _mm512_storeu_si512(q, q0);
  _mm512_storeu_si512(q + 64, q1);
  const __m512i s0 = sums_of_four(q0), s1 = sums_of_four(q1);
  const __m512i pairs = _mm512_add_epi32(_mm512_unpacklo_epi32(s0, s1), _mm512_unpackhi_epi32(s0, s1));
  const __m512i lanes = _mm512_add_epi32(pairs, _mm512_unpackhi_epi64(pairs, pairs));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums),
                      _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, lanes)));
}

void quantize_int8(size_t n, const float* x, int8_t* q, float* d, int32_t* sums) noexcept {
  size_t b = 0;
  for (; b + 4 <= n / 32; b += 4) quantize_four(x + 32 * b, q + 32 * b, d + b, sums + 2 * b);
  for (; b < n / 32; ++b) quantize_block(x + 32 * b, q + 32 * b, d + b, sums + 2 * b);
}

constexpr Kernels kTable = {
    .isa = Isa::kAvx512,
    .tile_m = Vec::kTileM,
    .tile_n = 2 * Vec::kLanes,
    .tile_f32 = tile_f32,
    .tile_m_bf16 = 12,
    .tile_n_bf16 = 32,
    .bf16_block_m = 192,
    .bf16_slice_k = 576,
    .tile_bf16 = tile_bf16,
    .outer_bf16 = outer_bf16_avx512,
    .transpose32 = transpose32,
    .f32_to_bf16 = to_bf16,
    .f32_to_f16 = to_f16,
    .pair_bf16 = pair_bf16,
    .dot = dot,
    .axpy = axpy,
    .scale_mul = scale_mul,
    .max = max_of,
    .exp_sum = exp_sum,
    .sample = sample,
    .add_paired_rows = add_paired_rows,
    .swiglu = gated<SiluGate>,
    .swiglu_backward = gated_backward<SiluGate>,
    .geglu = gated<GeluGate>,
    .geglu_backward = gated_backward<GeluGate>,
    .rotate_pairs = rotate_pairs,
    .attend_scores_f32 = attend_scores<StoredF32>,
    .attend_scores_f16 = attend_scores<StoredF16>,
    .attend_mix_f32 = attend_mix<StoredF32>,
    .attend_mix_f16 = attend_mix<StoredF16>,
    .attend_mix_q8_0 = attend_mix_q8_0,
    .quantize_int8 = quantize_int8,
    .packed = packed_avx512,
    .int8 = int8_avx512,
    .dots_float = dots_float,
    .decode_row = decode_row,
    .half_row = half_row,
    .pair_rows = pair_rows,
    .split_pairs = split_pairs,
};

}  // namespace
}  // namespace avx512

const Kernels& avx512_kernels() noexcept {
  return avx512::kTable;
}

}  // namespace hone
