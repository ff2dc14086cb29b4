// What the x86 instruction sets share in 256-bit registers: decoding of float rows, transposes.
// No include guard on purpose: this is the body of an ISA file.

static inline float half_at(const std::byte* p) {
  uint16_t bits;
  __builtin_memcpy(&bits, p, 2);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}
static inline float bf16_at(const std::byte* p) {
  uint16_t half;
  __builtin_memcpy(&half, p, 2);
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

void to_f16(size_t n, const float* x, uint16_t* y) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), 0));
  for (; i < n; ++i) y[i] = static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x[i]), 0)));
}

// 8x8 blocks of 32-bit elements in registers; the ragged rest element by element.
static inline void transpose8x8(const uint32_t* in, size_t in_stride, uint32_t* out, size_t out_stride) {
  __m256 r[8], t[8];
  for (size_t i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(in + i * in_stride));
  for (size_t i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (size_t i = 0; i < 2; ++i) {
    r[4 * i + 0] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (size_t i = 0; i < 4; ++i) {
    float* low = reinterpret_cast<float*>(out + i * out_stride);
    float* high = reinterpret_cast<float*>(out + (i + 4) * out_stride);
    _mm256_storeu_ps(low, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(high, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

void transpose32(size_t rows, size_t cols, const uint32_t* in, size_t in_stride, uint32_t* out,
                 size_t out_stride) noexcept {
  const size_t whole_rows = rows / 8 * 8, whole_cols = cols / 8 * 8;
  for (size_t c = 0; c < whole_cols; c += 8)
    for (size_t r = 0; r < whole_rows; r += 8)
      transpose8x8(in + r * in_stride + c, in_stride, out + c * out_stride + r, out_stride);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = r < whole_rows ? whole_cols : 0; c < cols; ++c)
      out[c * out_stride + r] = in[r * in_stride + c];
}

// Stored float rows to f32; quantized formats decode through their own to_float.
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
  for (; i < n; ++i) y[i] = bf16_at(w + 2 * i);
}

void decode_f32(const std::byte* w, float* y, size_t n) noexcept {
  __builtin_memcpy(y, w, n * sizeof(float));
}

DecodeRow decode_row(FormatId format) noexcept {
  if (format == FormatId::kF32) return decode_f32;
  if (format == FormatId::kF16) return decode_f16;
  if (format == FormatId::kBF16) return decode_bf16;
  return find_format(format)->to_float;
}

// Each ISA's own.
void to_bf16(size_t n, const float* x, uint16_t* y) noexcept;
void halves_of_f16(const std::byte* w, uint16_t* y, size_t n) noexcept;

void halves_of_f32(const std::byte* w, uint16_t* y, size_t n) noexcept {
  to_bf16(n, reinterpret_cast<const float*>(w), y);
}

void halves_of_bf16(const std::byte* w, uint16_t* y, size_t n) noexcept {
  __builtin_memcpy(y, w, 2 * n);
}

HalfRow half_row(FormatId format) noexcept {
  if (format == FormatId::kF32) return halves_of_f32;
  if (format == FormatId::kF16) return halves_of_f16;
  return format == FormatId::kBF16 ? halves_of_bf16 : nullptr;
}

void split_bf16(size_t n_pairs, size_t width, const uint32_t* in, float* out) noexcept {
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  for (size_t p = 0; p < n_pairs; ++p, in += width, out += 2 * width) {
    size_t i = 0;
    for (; i + 8 <= width; i += 8) {
      const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
      _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)));
      _mm256_storeu_ps(out + width + i, _mm256_castsi256_ps(_mm256_and_si256(pairs, high)));
    }
    for (; i < width; ++i) {
      const auto* halves = reinterpret_cast<const std::byte*>(in + i);
      out[i] = bf16_at(halves);
      out[width + i] = bf16_at(halves + 2);
    }
  }
}

void split_f16(size_t n_pairs, size_t width, const uint32_t* in, float* out) noexcept {
  // Even halves of every 128 bits, then odd ones: quarters stand as 0, 2 of the even and of the odd ones.
  const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8,
                                         9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
  for (size_t p = 0; p < n_pairs; ++p, in += width, out += 2 * width) {
    size_t i = 0;
    for (; i + 8 <= width; i += 8) {
      const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
      const __m256i halves = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(pairs, order), 0xd8);
      _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm256_castsi256_si128(halves)));
      _mm256_storeu_ps(out + width + i, _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1)));
    }
    for (; i < width; ++i) {
      const auto* halves = reinterpret_cast<const std::byte*>(in + i);
      out[i] = half_at(halves);
      out[width + i] = half_at(halves + 2);
    }
  }
}

SplitPairs split_pairs(FormatId format) noexcept {
  if (format == FormatId::kF16) return split_f16;
  return format == FormatId::kBF16 ? split_bf16 : nullptr;
}

// Two stored rows in bf16 side by side, in plain steps.
template <HalfRow kHalves, size_t kBytes>
void pair_stored(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept {
  uint16_t low[64], high[64];
  for (size_t i = 0; i < n; i += 64) {
    const size_t count = n - i < 64 ? n - i : 64;
    kHalves(even + i * kBytes, low, count);
    kHalves(odd + i * kBytes, high, count);
    for (size_t j = 0; j < count; ++j)
      y[i + j] = static_cast<uint32_t>(low[j]) | static_cast<uint32_t>(high[j]) << 16;
  }
}
