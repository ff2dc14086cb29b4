// The AVX2 + FMA + F16C table. No bf16 products: this ISA has none, the fast mode multiplies in f32.
#include "kernels/ahead.h"
#include "kernels/avx2/simd_avx2.h"
#include "kernels/tables.h"
#include "kernels/unroll.h"

namespace hone {
namespace avx2 {
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

uint16_t bf16_of(float x) {
  alignas(32) uint32_t out[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(out), bf16_bits(broadcast(x)));
  return static_cast<uint16_t>(out[0]);
}

void to_bf16(size_t n, const float* x, uint16_t* y) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i words = _mm256_packus_epi32(bf16_bits(load(x + i)), bf16_bits(load(x + i + 8)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), _mm256_permute4x64_epi64(words, 0xd8));
  }
  for (; i < n; ++i) y[i] = bf16_of(x[i]);
}

void halves_of_f16(const std::byte* w, uint16_t* y, size_t n) noexcept {
  float line[64];
  for (size_t i = 0; i < n; i += 64) {
    const size_t count = n - i < 64 ? n - i : 64;
    decode_f16(w + 2 * i, line, count);
    to_bf16(count, line, y + i);
  }
}

void pair_bf16(size_t n, const float* even, const float* odd, uint32_t* y) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i pair =
        _mm256_or_si256(bf16_bits(load(even + i)), _mm256_slli_epi32(bf16_bits(load(odd + i)), 16));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), pair);
  }
  for (; i < n; ++i)
    y[i] = static_cast<uint32_t>(bf16_of(even[i])) | static_cast<uint32_t>(bf16_of(odd[i])) << 16;
}

// This ISA multiplies in f32: the plain form serves the few who ask.
PairRows pair_rows(FormatId format) noexcept {
  if (format == FormatId::kF32) return pair_stored<halves_of_f32, 4>;
  if (format == FormatId::kF16) return pair_stored<halves_of_f16, 2>;
  return format == FormatId::kBF16 ? pair_stored<halves_of_bf16, 2> : nullptr;
}

void quantize_int8(size_t n, const float* x, int8_t* q, float* d, int32_t* sums) noexcept {
  for (size_t b = 0; b < n / 32; ++b, x += 32, q += 32, sums += 2) {
    __m256 v[4];
    __m256 largest = _mm256_setzero_ps();
    for (size_t i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v[i]));
    }
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    const float top = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
    const __m256 inverse = _mm256_set1_ps(top > 0 ? 127.0f / top : 0.0f);
    __m256i c[4];
    for (size_t i = 0; i < 4; ++i) c[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
    const __m256i words0 = _mm256_packs_epi32(c[0], c[1]), words1 = _mm256_packs_epi32(c[2], c[3]);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words0, words1),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), bytes);
    // Both halves' sums side by side, then the two 128-bit lanes together.
    __m256i total = _mm256_hadd_epi32(_mm256_add_epi32(c[0], c[1]), _mm256_add_epi32(c[2], c[3]));
    total = _mm256_hadd_epi32(total, total);
    const __m128i both = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(sums), both);
    // A NaN is not lost among numbers: its block becomes NaN.
    const __m256 unordered =
        _mm256_or_ps(_mm256_cmp_ps(v[0], v[1], _CMP_UNORD_Q), _mm256_cmp_ps(v[2], v[3], _CMP_UNORD_Q));
    d[b] = _mm256_movemask_ps(unordered) != 0 ? __builtin_nanf("") : top / 127.0f;
  }
}

const PackedKernels* packed(FormatId format) noexcept {
  return has_avx_vnni() ? packed_avx2_vnni(format) : packed_avx2(format);
}

const Int8Kernels* int8() noexcept {
  return has_avx_vnni() ? int8_avx2_vnni() : nullptr;
}

constexpr Kernels kTable = {
    .isa = Isa::kAvx2,
    .tile_m = Vec::kTileM,
    .tile_n = 2 * Vec::kLanes,
    .tile_f32 = tile_f32,
    .tile_m_bf16 = 0,
    .tile_n_bf16 = 0,
    .bf16_block_m = 0,
    .bf16_slice_k = 0,
    .tile_bf16 = nullptr,
    .outer_bf16 = nullptr,
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
    .packed = packed,
    .int8 = int8,
    .dots_float = dots_float,
    .decode_row = decode_row,
    .half_row = half_row,
    .pair_rows = pair_rows,
    .split_pairs = split_pairs,
};

}  // namespace
}  // namespace avx2

const Kernels& avx2_kernels() noexcept {
  return avx2::kTable;
}

}  // namespace hone
