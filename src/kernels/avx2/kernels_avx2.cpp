// The AVX2 + FMA + F16C table. No bf16 products: this ISA has none, the fast mode multiplies in f32.
#include "kernels/avx2/simd_avx2.h"
#include "kernels/tables.h"

namespace hone {
namespace avx2 {
namespace {

__m256i dot_u8s8(__m256i u, __m256i s) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(u, s), _mm256_set1_epi16(1));
}

// Each of these bodies builds on the one before.
// clang-format off
#include "kernels/dot_int8_ymm.h"
#include "kernels/decode_ymm.h"
#include "kernels/generic_f32.h"
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

constexpr Kernels kTable = {
    .isa = Isa::kAvx2,
    .tile_m = Vec::kTileM,
    .tile_n = 2 * Vec::kLanes,
    .tile_f32 = tile_f32,
    .tile_m_bf16 = 0,
    .tile_n_bf16 = 0,
    .tile_bf16 = nullptr,
    .transpose32 = transpose32,
    .f32_to_bf16 = to_bf16,
    .pair_bf16 = pair_bf16,
    .dot = dot,
    .axpy = axpy,
    .scale_mul = scale_mul,
    .max = max_of,
    .exp_sum = exp_sum,
    .swiglu = swiglu,
    .swiglu_backward = swiglu_backward,
    .quantize_int8 = quantize_int8,
    .dot_int8 = dot_int8,
    .dot_float = dot_float,
    .decode_row = decode_row,
};

}  // namespace
}  // namespace avx2

const Kernels& avx2_kernels() noexcept {
  return avx2::kTable;
}

}  // namespace hone
