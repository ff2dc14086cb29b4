// The last part of search_body.h: blocks whose one scale stands alone, as f16 or as a small code of its own;
// and the table. No include guard on purpose.

template <size_t kSub, typename Code, bool kWeighted>
static void search_one_scale(const float* x, const float* w, uint16_t& d, uint8_t* codes) noexcept {
  d = half_of(search_symmetric<kSub, Code, kWeighted>(x, w));
  store_codes<Code>(x, kSub, inverse_or_zero(float_of_half(d)), 0.0f, codes);
}

template <typename Code>
static void small_symmetric(const float* x, const float* w, SmallCodes& out) noexcept {
  if (w != nullptr)
    search_one_scale<kSmall, Code, true>(x, w, out.d, out.codes);
  else
    search_one_scale<kSmall, Code, false>(x, w, out.d, out.codes);
}

static void ternary(const float* x, const float* w, SymmetricCodes& out) noexcept {
  if (w != nullptr)
    search_one_scale<kSuper, Ternary, true>(x, w, out.d, out.codes);
  else
    search_one_scale<kSuper, Ternary, false>(x, w, out.d, out.codes);
}

template <int kTop, bool kWeighted>
static void search_small_affine(const float* x, const float* w, SmallCodes& out) noexcept {
  const Moments m = moments_of<kSmall, kWeighted>(x, w);
  const Affine chosen = search_affine<kSmall, kTop, kWeighted, true>(x, w, m);
  out.d = half_of(chosen.scale);
  out.m = half_of(-chosen.minimum);
  const float inverse = inverse_or_zero(float_of_half(out.d));
  store_codes<Whole<0, kTop>>(x, kSmall, inverse, -float_of_half(out.m) * inverse, out.codes);
}

template <int kTop>
static void small_affine(const float* x, const float* w, SmallCodes& out) noexcept {
  if (w != nullptr)
    search_small_affine<kTop, true>(x, w, out);
  else
    search_small_affine<kTop, false>(x, w, out);
}

// --- scales of a few bits: the one of eight neighbours that leaves the least error ---

static inline uint32_t float_bits(float v) noexcept {
  uint32_t bits;
  __builtin_memcpy(&bits, &v, sizeof bits);
  return bits;
}
static inline float bits_float(uint32_t bits) noexcept {
  float v;
  __builtin_memcpy(&v, &bits, sizeof v);
  return v;
}

// Mxfp4's: half of 2^(code - 127), since Fp4's values are doubled.
struct PowerOfTwo {
  static constexpr int kMost = 254;
  static float value(int code) noexcept {
    return bits_float(code < 2 ? 0x00200000u << code : static_cast<uint32_t>(code - 1) << 23);
  }
  // The smallest whose largest value, 6 * 2^(code - 127), is not far below the extreme.
  static int near(float extreme) noexcept { return static_cast<int>(float_bits(extreme) >> 23) - 2; }
};

// Nvfp4's: half of an unsigned float with 4 bits of exponent (bias 7) and 3 of mantissa.
struct UnsignedE4M3 {
  static constexpr int kMost = 126;
  static float value(int code) noexcept {
    if (code < 8) return static_cast<float>(code) * 0x1p-10f;
    return bits_float((static_cast<uint32_t>(code) << 20) + (119u << 23));
  }
  static int near(float extreme) noexcept {
    const float wanted = extreme * (1.0f / 6.0f);
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): below 8.5, and the same on every instruction set
    if (wanted < 0x1p-6f) return static_cast<int>(wanted * 512.0f + 0.5f);
    const uint32_t bits = float_bits(wanted) >> 20;
    return bits > 255u * 8u - 1u ? kMost : static_cast<int>(bits - 120u * 8u);
  }
};

template <size_t kSub, typename ScaleCode, bool kWeighted>
static int search_scale_code(const float* x, const float* w, uint8_t* codes) noexcept {
  constexpr int kStep[kCandidates] = {0, 1, -1, -2, -3, -4, -5, -6};
  const Moments m = moments_of<kSub, kWeighted>(x, w);
  const int first = ScaleCode::near(-m.low > m.high ? -m.low : m.high);
  int code[kCandidates];
  float scale[kCandidates], gain[kCandidates];
  Candidates tried{};
  for (size_t c = 0; c < kCandidates; ++c) {
    const int wanted = first + kStep[c];
    code[c] = wanted < 0 ? 0 : wanted > ScaleCode::kMost ? ScaleCode::kMost : wanted;
    scale[c] = ScaleCode::value(code[c]);
    tried.inverse[c] = inverse_or_zero(scale[c]);
  }
  Sums sums;
  sum_codes<kSub, Fp4, kWeighted>(x, w, tried, sums);
  for (size_t c = 0; c < kCandidates; ++c) gain[c] = scale[c] * (2.0f * sums.qx[c] - scale[c] * sums.qq[c]);
  const size_t best = best_of(gain);
  store_codes<Fp4>(x, kSub, tried.inverse[best], 0.0f, codes);
  return code[best];
}

static void mxfp4(const float* x, const float* w, SmallCodes& out) noexcept {
  out.d = static_cast<uint16_t>(w != nullptr ? search_scale_code<kSmall, PowerOfTwo, true>(x, w, out.codes)
                                             : search_scale_code<kSmall, PowerOfTwo, false>(x, w, out.codes));
}

static void nvfp4(const float* x, const float* w, SymmetricCodes& out) noexcept {
  for (size_t s = 0; s < 4; ++s) {
    uint8_t* const codes = out.codes + 16 * s;
    out.scales[s] = static_cast<int8_t>(
        w != nullptr ? search_scale_code<16, UnsignedE4M3, true>(x + 16 * s, w + 16 * s, codes)
                     : search_scale_code<16, UnsignedE4M3, false>(x + 16 * s, w, codes));
  }
}

extern constexpr Searches kTable = {
    .q2_k = affine<16, 3, 15>,
    .q4_k = affine<32, 15, 63>,
    .q5_k = affine<32, 31, 63>,
    .q3_k = symmetric<16, Symmetric<4>, 32>,
    .q6_k = symmetric<16, Symmetric<32>, 128>,
    .iq4_xs = symmetric<32, Iq4, 32>,
    .ternary = ternary,
    .nvfp4 = nvfp4,
    .q4_0 = small_symmetric<Symmetric<8>>,
    .q5_0 = small_symmetric<Symmetric<16>>,
    .q4_1 = small_affine<15>,
    .q5_1 = small_affine<31>,
    .iq4_nl = small_symmetric<Iq4>,
    .mxfp4 = mxfp4,
};
