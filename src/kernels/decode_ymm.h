// Decoding stored rows to f32, 32 elements at a time, bit-equal with the formats' own to_float: every product
// of a scale and a code is exact in f32, so the one rounding of scale * code + offset is the same with and
// without FMA. No include guard on purpose: this is the body of an ISA file, after dot_int8_ymm.h.

static inline __m256 widen_unsigned(__m128i bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}
static inline __m256 widen_signed(__m128i bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

template <typename Block>
void decode_unsigned(const std::byte* w, float* y, size_t n) noexcept {
  for (size_t b = 0; b < n / 32; ++b, w += Block::kBytes, y += 32) {
    const __m256i codes = Block::codes(w);
    const __m256 d = _mm256_set1_ps(Block::d(w)), offset = _mm256_set1_ps(Block::offset(w));
    const __m128i low = _mm256_castsi256_si128(codes), high = _mm256_extracti128_si256(codes, 1);
    _mm256_storeu_ps(y, _mm256_fmadd_ps(widen_unsigned(low), d, offset));
    _mm256_storeu_ps(y + 8, _mm256_fmadd_ps(widen_unsigned(_mm_srli_si128(low, 8)), d, offset));
    _mm256_storeu_ps(y + 16, _mm256_fmadd_ps(widen_unsigned(high), d, offset));
    _mm256_storeu_ps(y + 24, _mm256_fmadd_ps(widen_unsigned(_mm_srli_si128(high, 8)), d, offset));
  }
}

void decode_q8_0(const std::byte* w, float* y, size_t n) noexcept {
  for (size_t b = 0; b < n / 32; ++b, w += 34, y += 32) {
    const __m256 d = _mm256_set1_ps(half_at(w));
    for (size_t i = 0; i < 32; i += 8) {
      const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(w + 2 + i));
      _mm256_storeu_ps(y + i, _mm256_mul_ps(widen_signed(codes), d));
    }
  }
}

void decode_f16(const std::byte* w, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 2 * i))));
  for (; i < n; ++i) y[i] = half_at(w + 2 * i);
}

void decode_bf16(const std::byte* w, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i half = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 2 * i)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), _mm256_slli_epi32(half, 16));
  }
  for (; i < n; ++i) {
    uint16_t half;
    __builtin_memcpy(&half, w + 2 * i, 2);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    __builtin_memcpy(y + i, &bits, 4);
  }
}

void decode_f32(const std::byte* w, float* y, size_t n) noexcept {
  __builtin_memcpy(y, w, n * sizeof(float));
}

DecodeRow decode_row(FormatId format) noexcept {
  switch (format) {
    case FormatId::kF32:
      return decode_f32;
    case FormatId::kF16:
      return decode_f16;
    case FormatId::kBF16:
      return decode_bf16;
    case FormatId::kQ4_0:
      return decode_unsigned<BlockQ4_0>;
    case FormatId::kQ4_1:
      return decode_unsigned<BlockQ4_1>;
    case FormatId::kQ5_0:
      return decode_unsigned<BlockQ5_0>;
    case FormatId::kQ5_1:
      return decode_unsigned<BlockQ5_1>;
    case FormatId::kQ8_0:
      return decode_q8_0;
    case FormatId::kQ2_K:
    case FormatId::kQ3_K:
    case FormatId::kQ4_K:
    case FormatId::kQ5_K:
    case FormatId::kQ6_K:
      return find_format(format)->to_float;
  }
  return nullptr;
}
