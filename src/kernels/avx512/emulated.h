// For tests only: the AVX-512 intrinsics on an AVX2 machine, by the SIMDe library.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include <cmath>
#include <cstring>

#include "base/half.h"

namespace hone::emulated {

static inline __m512 cvtph_ps(__m256i halves) {
  uint16_t in[16];
  float out[16];
  std::memcpy(in, &halves, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = f16_to_f32(in[i]);
  __m512 result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512i cvtepu16_epi32(__m256i halves) {
  uint16_t in[16];
  uint32_t out[16];
  std::memcpy(in, &halves, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = in[i];
  __m512i result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512i cvtepu8_epi32(__m128i bytes) {
  uint8_t in[16];
  uint32_t out[16];
  std::memcpy(in, &bytes, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = in[i];
  __m512i result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512i cvtepi8_epi32(__m128i bytes) {
  int8_t in[16];
  int32_t out[16];
  std::memcpy(in, &bytes, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = in[i];
  __m512i result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512 maskz_loadu_ps(__mmask16 mask, const float* p) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = (mask >> i & 1) != 0 ? p[i] : 0.0f;
  __m512 result;
  std::memcpy(&result, lanes, sizeof lanes);
  return result;
}

static inline void mask_storeu_ps(float* p, __mmask16 mask, __m512 values) {
  float lanes[16];
  std::memcpy(lanes, &values, sizeof lanes);
  for (int i = 0; i < 16; ++i)
    if ((mask >> i & 1) != 0) p[i] = lanes[i];
}

template <typename To, typename From>
static inline To to_bf16(const From& values) {
  constexpr int kCount = sizeof(From) / 4;
  float in[kCount];
  uint16_t out[sizeof(To) / 2] = {};
  std::memcpy(in, &values, sizeof in);
  for (int i = 0; i < kCount; ++i) out[i] = f32_to_bf16(in[i]);
  To result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

// The second operand goes into the lower half.
static inline __m512bh two_to_bf16(const __m512& upper, const __m512& lower) {
  float in[32];
  uint16_t out[32];
  std::memcpy(in, &lower, 64);
  std::memcpy(in + 16, &upper, 64);
  for (int i = 0; i < 32; ++i) out[i] = f32_to_bf16(in[i]);
  __m512bh result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512 cvtepi32_ps(__m512i a) {
  int32_t in[16];
  float out[16];
  std::memcpy(in, &a, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = static_cast<float>(in[i]);
  __m512 result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512i cvtps_epi32(__m512 a) {
  float in[16];
  int32_t out[16];
  std::memcpy(in, &a, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = static_cast<int32_t>(std::nearbyint(in[i]));
  __m512i result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

static inline __m512i srai_epi32(__m512i a, int right) {
  int32_t in[16];
  std::memcpy(in, &a, sizeof in);
  for (int& x : in) x >>= right;
  __m512i result;
  std::memcpy(&result, in, sizeof in);
  return result;
}

static inline __m512 swap_pairs_ps(__m512 a) {
  float in[16], out[16];
  std::memcpy(in, &a, sizeof in);
  for (int i = 0; i < 16; ++i) out[i] = in[i ^ 1];
  __m512 result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

}  // namespace hone::emulated

#define _mm512_cvtph_ps(a) hone::emulated::cvtph_ps(a)
#define _mm512_cvtepi8_epi32(a) hone::emulated::cvtepi8_epi32(a)
#define _mm512_cvtepu16_epi32(a) hone::emulated::cvtepu16_epi32(a)
#define _mm512_cvtepu8_epi32(a) hone::emulated::cvtepu8_epi32(a)
#define _mm512_maskz_loadu_ps(mask, p) hone::emulated::maskz_loadu_ps(mask, p)
#define _mm512_mask_storeu_ps(p, mask, v) hone::emulated::mask_storeu_ps(p, mask, v)
#define _mm512_cvtneps_pbh(a) hone::emulated::to_bf16<__m256bh>(a)
#define _mm512_cvtne2ps_pbh(a, b) hone::emulated::two_to_bf16(a, b)
#define _mm_cvtneps_pbh(a) hone::emulated::to_bf16<__m128bh>(a)
#define _mm512_cvtepi32_ps(a) hone::emulated::cvtepi32_ps(a)
#define _mm512_cvtps_epi32(a) hone::emulated::cvtps_epi32(a)
#define _mm512_permute_ps(a, order) hone::emulated::swap_pairs_ps(a)  // 0xb1 is the only order used
#define _mm512_srai_epi32(a, right) hone::emulated::srai_epi32(a, right)
