// Dot products of quantized rows with int8 activations, 32 weights at a time in 256-bit registers. Each ISA
// includes this inside its own namespace after defining
//   __m256i dot_u8s8(__m256i u, __m256i s)   eight i32 sums of four u8 x s8 products
// The constant part of a format (its offset or minimum) is folded in through the blocks' activation sums.
// No include guard on purpose: this is the body of an ISA file.

static inline float half_at(const std::byte* p) {
  uint16_t bits;
  __builtin_memcpy(&bits, p, 2);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}

static inline __m256i load_codes(const int8_t* q) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q));
}

// 16 bytes of nibbles -> 32 codes: low nibbles are elements 0..15, high nibbles 16..31.
static inline __m256i unpack_nibbles(const std::byte* p) {
  const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m256i both = _mm256_set_m128i(_mm_srli_epi16(raw, 4), raw);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// 32 bits -> 32 bytes, 0x10 where the bit is set: the fifth bit of the 5-bit formats.
static inline __m256i unpack_fifth_bit(const std::byte* p) {
  uint32_t bits;
  __builtin_memcpy(&bits, p, 4);
  const __m256i spread = _mm256_shuffle_epi8(
      _mm256_set1_epi32(static_cast<int>(bits)),
      _mm256_setr_epi64x(0x0000000000000000, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  const __m256i mask = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, mask), mask);
  return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

static inline float sum8(__m256 a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

// Block: static kBytes; codes(p) unsigned; d(p); offset(p) = what every element adds, in units of x.
template <typename Block>
float dot_unsigned(size_t n, const std::byte* w, Int8Row x) noexcept {
  __m256 acc = _mm256_setzero_ps();
  float constant = 0;
  for (size_t b = 0; b < n / 32; ++b, w += Block::kBytes) {
    const __m256 products = _mm256_cvtepi32_ps(dot_u8s8(Block::codes(w), load_codes(x.q + 32 * b)));
    acc = _mm256_fmadd_ps(_mm256_set1_ps(Block::d(w) * x.d[b]), products, acc);
    constant += Block::offset(w) * x.sum[b];
  }
  return sum8(acc) + constant;
}

struct BlockQ4_0 {
  static constexpr size_t kBytes = 18;
  static float d(const std::byte* p) { return half_at(p); }
  static float offset(const std::byte* p) { return -8.0f * half_at(p); }
  static __m256i codes(const std::byte* p) { return unpack_nibbles(p + 2); }
};
struct BlockQ4_1 {
  static constexpr size_t kBytes = 20;
  static float d(const std::byte* p) { return half_at(p); }
  static float offset(const std::byte* p) { return half_at(p + 2); }
  static __m256i codes(const std::byte* p) { return unpack_nibbles(p + 4); }
};
struct BlockQ5_0 {
  static constexpr size_t kBytes = 22;
  static float d(const std::byte* p) { return half_at(p); }
  static float offset(const std::byte* p) { return -16.0f * half_at(p); }
  static __m256i codes(const std::byte* p) {
    return _mm256_or_si256(unpack_nibbles(p + 6), unpack_fifth_bit(p + 2));
  }
};
struct BlockQ5_1 {
  static constexpr size_t kBytes = 24;
  static float d(const std::byte* p) { return half_at(p); }
  static float offset(const std::byte* p) { return half_at(p + 2); }
  static __m256i codes(const std::byte* p) {
    return _mm256_or_si256(unpack_nibbles(p + 8), unpack_fifth_bit(p + 4));
  }
};

float dot_q8_0(size_t n, const std::byte* w, Int8Row x) noexcept {
  __m256 acc = _mm256_setzero_ps();
  for (size_t b = 0; b < n / 32; ++b, w += 34) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 2));
    const __m256i q = _mm256_sign_epi8(load_codes(x.q + 32 * b), codes);
    const __m256 products = _mm256_cvtepi32_ps(dot_u8s8(_mm256_abs_epi8(codes), q));
    acc = _mm256_fmadd_ps(_mm256_set1_ps(half_at(w) * x.d[b]), products, acc);
  }
  return sum8(acc);
}

DotInt8 dot_int8(FormatId format) noexcept {
  switch (format) {
    case FormatId::kQ4_0:
      return dot_unsigned<BlockQ4_0>;
    case FormatId::kQ4_1:
      return dot_unsigned<BlockQ4_1>;
    case FormatId::kQ5_0:
      return dot_unsigned<BlockQ5_0>;
    case FormatId::kQ5_1:
      return dot_unsigned<BlockQ5_1>;
    case FormatId::kQ8_0:
      return dot_q8_0;
    case FormatId::kF32:
    case FormatId::kF16:
    case FormatId::kBF16:
    case FormatId::kQ2_K:
    case FormatId::kQ3_K:
    case FormatId::kQ4_K:
    case FormatId::kQ5_K:
    case FormatId::kQ6_K:
      return nullptr;
  }
  return nullptr;
}

void quantize_int8(size_t n, const float* x, int8_t* q, float* d, float* block_sum) noexcept {
  for (size_t b = 0; b < n / 32; ++b, x += 32, q += 32) {
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
    __m256i total = _mm256_add_epi32(_mm256_add_epi32(c[0], c[1]), _mm256_add_epi32(c[2], c[3]));
    const __m256i words0 = _mm256_packs_epi32(c[0], c[1]), words1 = _mm256_packs_epi32(c[2], c[3]);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words0, words1),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), bytes);
    total = _mm256_add_epi32(total, _mm256_permute2x128_si256(total, total, 1));
    total = _mm256_hadd_epi32(total, total);
    total = _mm256_hadd_epi32(total, total);
    d[b] = top / 127.0f;
    block_sum[b] = d[b] * static_cast<float>(_mm256_cvtsi256_si32(total));
  }
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
