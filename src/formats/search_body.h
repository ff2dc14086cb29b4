// The body of an ISA file: included inside a namespace of its own, after search.h, by search.cpp and
// avx2/search_avx2.cpp. A lane of a register is a candidate scale, not a weight: eight candidates are tried
// in one pass over the weights. No include guard on purpose.

// A vector extension of GCC and Clang.
#ifdef __AVX2__
typedef float Lanes __attribute__((vector_size(32)));
#else
typedef float Lanes __attribute__((vector_size(16)));
#endif
constexpr size_t kLanes = sizeof(Lanes) / sizeof(float);
constexpr size_t kCandidates = 8;

// Adding it leaves |v| < 2^22 no room for a fraction: rounds to nearest, halves to even.
constexpr float kRound = 0x1.8p23f;

static inline Lanes load(const float* x) noexcept {
  Lanes v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}
static inline void store(float* x, Lanes v) noexcept {
  __builtin_memcpy(x, &v, sizeof v);
}
static inline Lanes all(float v) noexcept {
  return Lanes{} + v;
}

// Rounded and clamped; NaN gives low. For a float and for lanes of them.
static inline float nearest(float v, float low, float high) noexcept {
  v = v > low ? v : low;
  v = v < high ? v : high;
  return (v + kRound) - kRound;
}
static inline Lanes nearest(Lanes v, Lanes low, Lanes high) noexcept {
  v = v > low ? v : low;
  v = v < high ? v : high;
  return (v + kRound) - kRound;
}

static inline float inverse_or_zero(float v) noexcept {
  return v != 0.0f ? 1.0f / v : 0.0f;
}
static inline Lanes inverse_or_zero(Lanes v) noexcept {
  return v != 0.0f ? 1.0f / v : Lanes{};
}

// Codes to try: q = round(x * inverse + bias).
struct Candidates {
  float inverse[kCandidates], bias[kCandidates];
};
// Sums over the weights of one sub-block: of w q, w q^2 and w q x.
struct Sums {
  float q[kCandidates], qq[kCandidates], qx[kCandidates];
};

#include "formats/search_codes.h"

template <size_t kSub, typename Code, bool kWeighted>
static void sum_codes(const float* x, const float* w, const Candidates& candidates, Sums& sums) noexcept {
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes inverse = load(candidates.inverse + c), bias = load(candidates.bias + c);
    Lanes sum_q{}, sum_qq{}, sum_qx{};
    for (size_t i = 0; i < kSub; ++i) {
      const Lanes q = Code::value(x[i] * inverse + bias);
      const Lanes wq = kWeighted ? q * w[i] : q;
      sum_q += wq;
      sum_qq += wq * q;
      sum_qx += wq * x[i];
    }
    store(sums.q + c, sum_q);
    store(sums.qq + c, sum_qq);
    store(sums.qx + c, sum_qx);
  }
}

// The first of the largest; NaN never wins.
static inline size_t best_of(const float* gain) noexcept {
  size_t best = 0;
  float most = gain[0];
  for (size_t c = 1; c < kCandidates; ++c) {
    const bool better = gain[c] > most;
    most = better ? gain[c] : most;
    best = better ? c : best;
  }
  return best;
}

// First candidates: how many codes more than there are the range is spread over, from clipping the ends to
// leaving room.
constexpr float kRoom[kCandidates] = {-1.2f, -0.85f, -0.5f, -0.15f, 0.2f, 0.55f, 0.9f, 1.25f};
// Second ones: multiples of a scale that is already good.
constexpr float kNearby[kCandidates] = {1.0f, 0.94f, 0.97f, 1.03f, 1.06f, 1.09f, 0.91f, 0.88f};

// Of one sub-block: sums of w and w x, and the ends.
struct Moments {
  float w, x, low, high;
};

// Eight partial results whatever the width of a register, so that every instruction set rounds alike.
template <size_t kSub, bool kWeighted>
static Moments moments_of(const float* x, const float* w) noexcept {
  float sum_w[8], sum_x[8], low[8], high[8];
  for (size_t c = 0; c < 8; c += kLanes) {
    Lanes part_w{}, part_x{}, part_low = load(x + c), part_high = part_low;
    for (size_t i = c; i < kSub; i += 8) {
      const Lanes v = load(x + i), weight = kWeighted ? load(w + i) : all(1.0f);
      part_low = v < part_low ? v : part_low;
      part_high = v > part_high ? v : part_high;
      part_w += weight;
      part_x += weight * v;
    }
    store(sum_w + c, part_w);
    store(sum_x + c, part_x);
    store(low + c, part_low);
    store(high + c, part_high);
  }
  Moments m{sum_w[0], sum_x[0], low[0], high[0]};
  for (size_t c = 1; c < 8; ++c) {
    m.w += sum_w[c];
    m.x += sum_x[c];
    m.low = low[c] < m.low ? low[c] : m.low;
    m.high = high[c] > m.high ? high[c] : m.high;
  }
  return m;
}

// --- affine: x ~ scale * q - minimum, q in [0, kTop]; minimum >= 0 unless kAnyMinimum ---

struct Affine {
  float scale = 0, minimum = 0;
};

// Scale and minimum that fit the codes of each candidate best; gain: what they take off sum w x^2.
template <bool kAnyMinimum>
static inline void fit_affine(const Sums& s, float sum_w, float sum_x, float* scale, float* minimum,
                              float* gain) noexcept {
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes q = load(s.q + c), qq = load(s.qq + c), qx = load(s.qx + c);
    const Lanes determinant = sum_w * qq - q * q;
    const Lanes inverse = 1.0f / determinant;
    const Lanes both = (sum_w * qx - sum_x * q) * inverse;
    const Lanes off = (q * qx - sum_x * qq) * inverse;
    const Lanes alone = qq > 0.0f ? qx / qq : Lanes{};  // all codes 0, or without weight
    // Not when all codes are equal (zero but for rounding), nor with a minimum that the format cannot hold.
    const auto fits = determinant > 1e-5f * sum_w * qq;
    const auto usable = kAnyMinimum ? fits : fits & (off >= 0.0f);
    const Lanes best_scale = usable ? both : alone, best_minimum = usable ? off : Lanes{};
    store(scale + c, best_scale);
    store(minimum + c, best_minimum);
    store(gain + c, best_scale * qx - best_minimum * sum_x);
  }
}

template <size_t kSub, int kTop, bool kWeighted, bool kAnyMinimum = false>
static Affine search_affine(const float* x, const float* w, const Moments& m) noexcept {
  const float low = kAnyMinimum || m.low < 0.0f ? m.low : 0.0f;
  if (!(m.high > low)) return {0.0f, -low};
  Candidates tried;
  Sums sums;
  float scale[kCandidates], minimum[kCandidates], gain[kCandidates];
  const float unit = 1.0f / (m.high - low);
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes inverse = (load(kRoom + c) + static_cast<float>(kTop)) * unit;
    store(tried.inverse + c, inverse);
    store(tried.bias + c, -low * inverse);
  }
  sum_codes<kSub, Whole<0, kTop>, kWeighted>(x, w, tried, sums);
  fit_affine<kAnyMinimum>(sums, m.w, m.x, scale, minimum, gain);
  const size_t first = best_of(gain);
  const Affine start{scale[first], minimum[first]};
  const float start_gain = gain[first];
  if (!(start.scale > 0.0f)) return {0.0f, -low};
  const float start_inverse = 1.0f / start.scale;
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes inverse = load(kNearby + c) * start_inverse;
    store(tried.inverse + c, inverse);
    store(tried.bias + c, start.minimum * inverse);
  }
  sum_codes<kSub, Whole<0, kTop>, kWeighted>(x, w, tried, sums);
  fit_affine<kAnyMinimum>(sums, m.w, m.x, scale, minimum, gain);
  const size_t best = best_of(gain);
  return gain[best] > start_gain ? Affine{scale[best], minimum[best]} : start;
}

// Sums that the block's two floats are refitted from: of the squares and products of a = scale * q and b =
// minimum.
struct AffineNormal {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;

  void refit(float& d, float& dmin) const noexcept {
    const double determinant = aa * bb - ab * ab;
    const double new_d = (ax * bb - bx * ab) / determinant, new_dmin = (ax * ab - bx * aa) / determinant;
    if (new_d > 0 && new_dmin >= 0 && new_d < 65504 && new_dmin < 65504) {
      d = static_cast<float>(new_d);
      dmin = static_cast<float>(new_dmin);
    } else if (bb == 0 && aa > 0 && ax > 0 && ax < 65504 * aa) {
      d = static_cast<float>(ax / aa);
    }
  }
};

// Integer scale and minimum of one sub-block near the wanted ones, by the error that is left once codes are
// chosen.
template <size_t kSub, int kTop, int kScaleTop, bool kWeighted>
static void store_affine(const float* x, const float* w, const Moments& m, Affine wanted, float d, float dmin,
                         uint8_t& scale, uint8_t& minimum, AffineNormal& normal) noexcept {
  constexpr float kTopScale = static_cast<float>(kScaleTop);
  constexpr float kScaleStep[kCandidates] = {0, 0, 0, -1, -1, 1, 1, -1};
  constexpr float kMinimumStep[kCandidates] = {0, -1, 1, 0, -1, 0, 1, 1};
  const float s0 = nearest(wanted.scale * inverse_or_zero(d), 0.0f, kTopScale);
  const float m0 = nearest(wanted.minimum * inverse_or_zero(dmin), 0.0f, kTopScale);
  Candidates tried;
  float s[kCandidates], o[kCandidates], gain[kCandidates];
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes scales = nearest(s0 + load(kScaleStep + c), Lanes{}, all(kTopScale));
    const Lanes minimums = nearest(m0 + load(kMinimumStep + c), Lanes{}, all(kTopScale));
    const Lanes inverse = inverse_or_zero(scales * d);
    store(s + c, scales);
    store(o + c, minimums);
    store(tried.inverse + c, inverse);
    store(tried.bias + c, minimums * dmin * inverse);
  }
  Sums sums;
  sum_codes<kSub, Whole<0, kTop>, kWeighted>(x, w, tried, sums);
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes a = load(s + c) * d, b = load(o + c) * dmin;
    const Lanes of_codes = a * (2.0f * (load(sums.qx + c) + b * load(sums.q + c)) - a * load(sums.qq + c));
    store(gain + c, of_codes - b * (2.0f * m.x + b * m.w));
  }
  const size_t best = best_of(gain);
  scale = static_cast<uint8_t>(s[best]);
  minimum = static_cast<uint8_t>(o[best]);
  const double a = static_cast<double>(s[best]), b = static_cast<double>(o[best]);
  normal.aa += a * a * static_cast<double>(sums.qq[best]);
  normal.ab += a * b * static_cast<double>(sums.q[best]);
  normal.bb += b * b * static_cast<double>(m.w);
  normal.ax += a * static_cast<double>(sums.qx[best]);
  normal.bx += b * static_cast<double>(m.x);
}

template <size_t kSub, int kTop, int kScaleTop, bool kWeighted>
static void search_affine_block(const float* x, const float* w, AffineCodes& out) noexcept {
  constexpr size_t kSubs = kSuper / kSub;
  Affine wanted[kSubs];
  Moments moments[kSubs];
  float most_scale = 0, most_minimum = 0;
  for (size_t s = 0; s < kSubs; ++s) {
    const float* weights = kWeighted ? w + s * kSub : nullptr;
    moments[s] = moments_of<kSub, kWeighted>(x + s * kSub, weights);
    wanted[s] = search_affine<kSub, kTop, kWeighted>(x + s * kSub, weights, moments[s]);
    most_scale = wanted[s].scale > most_scale ? wanted[s].scale : most_scale;
    most_minimum = wanted[s].minimum > most_minimum ? wanted[s].minimum : most_minimum;
  }
  float d = float_of_half(half_of(most_scale / static_cast<float>(kScaleTop)));
  float dmin = float_of_half(half_of(most_minimum / static_cast<float>(kScaleTop)));
  AffineNormal normal;
  for (size_t s = 0; s < kSubs; ++s)
    store_affine<kSub, kTop, kScaleTop, kWeighted>(x + s * kSub, kWeighted ? w + s * kSub : nullptr,
                                                   moments[s], wanted[s], d, dmin, out.scales[s],
                                                   out.minimums[s], normal);
  normal.refit(d, dmin);
  out.d = half_of(d);
  out.dmin = half_of(dmin);
  d = float_of_half(out.d);
  dmin = float_of_half(out.dmin);
  for (size_t s = 0; s < kSubs; ++s) {
    const float inverse = inverse_or_zero(d * static_cast<float>(out.scales[s]));
    const float bias = dmin * static_cast<float>(out.minimums[s]) * inverse;
    store_codes<Whole<0, kTop>>(x + s * kSub, kSub, inverse, bias, out.codes + s * kSub);
  }
}

template <size_t kSub, int kTop, int kScaleTop>
static void affine(const float* x, const float* w, AffineCodes& out) noexcept {
  if (w != nullptr)
    search_affine_block<kSub, kTop, kScaleTop, true>(x, w, out);
  else
    search_affine_block<kSub, kTop, kScaleTop, false>(x, w, out);
}
