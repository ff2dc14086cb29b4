// The second half of search_body.h: x ~ scale * q, q in [-kHalf, kHalf - 1], scale of either sign.
// No include guard on purpose.

static inline void fit_symmetric(const Sums& s, float* scale, float* gain) noexcept {
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes qq = load(s.qq + c), qx = load(s.qx + c);
    const Lanes best = qq > 0.0f ? qx / qq : Lanes{};
    store(scale + c, best);
    store(gain + c, best * qx);
  }
}

template <size_t kSub, int kHalf, bool kWeighted>
static float search_symmetric(const float* x, const float* w) noexcept {
  const Moments m = moments_of<kSub, kWeighted>(x, w);
  // The extreme gets the code of largest magnitude, which is negative.
  const float extreme = -m.low > m.high ? m.low : m.high;
  if (extreme == 0.0f) return 0.0f;
  Candidates tried{};
  Sums sums;
  float scale[kCandidates], gain[kCandidates];
  const float unit = -1.0f / extreme;
  for (size_t c = 0; c < kCandidates; c += kLanes)
    store(tried.inverse + c, (load(kRoom + c) + static_cast<float>(kHalf)) * unit);
  sum_codes<kSub, -kHalf, kHalf - 1, kWeighted>(x, w, tried, sums);
  fit_symmetric(sums, scale, gain);
  const size_t first = best_of(gain);
  const float start = scale[first], start_gain = gain[first];
  const float start_inverse = inverse_or_zero(start);
  for (size_t c = 0; c < kCandidates; c += kLanes)
    store(tried.inverse + c, load(kNearby + c) * start_inverse);
  sum_codes<kSub, -kHalf, kHalf - 1, kWeighted>(x, w, tried, sums);
  fit_symmetric(sums, scale, gain);
  const size_t best = best_of(gain);
  return gain[best] > start_gain ? scale[best] : start;
}

// The integer scale near the wanted one by the error that is left; adds to the sums that d is refitted from.
template <size_t kSub, int kHalf, int kScaleHalf, bool kWeighted>
static int8_t store_symmetric(const float* x, const float* w, float wanted, float d, double& aa,
                              double& ax) noexcept {
  constexpr float kLow = static_cast<float>(-kScaleHalf), kHigh = static_cast<float>(kScaleHalf - 1);
  constexpr float kStep[kCandidates] = {0, -1, 1, -2, 2, -3, 3, 4};
  const float s0 = nearest(wanted * inverse_or_zero(d), kLow, kHigh);
  Candidates tried{};
  float s[kCandidates], gain[kCandidates];
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes scales = nearest(s0 + load(kStep + c), all(kLow), all(kHigh));
    store(s + c, scales);
    store(tried.inverse + c, inverse_or_zero(scales * d));
  }
  Sums sums;
  sum_codes<kSub, -kHalf, kHalf - 1, kWeighted>(x, w, tried, sums);
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes a = load(s + c) * d;
    store(gain + c, a * (2.0f * load(sums.qx + c) - a * load(sums.qq + c)));
  }
  const size_t best = best_of(gain);
  const double a = static_cast<double>(s[best]);
  aa += a * a * static_cast<double>(sums.qq[best]);
  ax += a * static_cast<double>(sums.qx[best]);
  return static_cast<int8_t>(s[best]);
}

template <size_t kSub, int kHalf, int kScaleHalf, bool kWeighted>
static void search_symmetric_block(const float* x, const float* w, SymmetricCodes& out) noexcept {
  constexpr size_t kSubs = kSuper / kSub;
  float wanted[kSubs];
  float low = 0, high = 0;
  for (size_t s = 0; s < kSubs; ++s) {
    wanted[s] = search_symmetric<kSub, kHalf, kWeighted>(x + s * kSub, kWeighted ? w + s * kSub : nullptr);
    low = wanted[s] < low ? wanted[s] : low;
    high = wanted[s] > high ? wanted[s] : high;
  }
  const float extreme = -low > high ? low : high;
  float d = float_of_half(half_of(extreme / static_cast<float>(-kScaleHalf)));
  double aa = 0, ax = 0;
  for (size_t s = 0; s < kSubs; ++s)
    out.scales[s] = store_symmetric<kSub, kHalf, kScaleHalf, kWeighted>(
        x + s * kSub, kWeighted ? w + s * kSub : nullptr, wanted[s], d, aa, ax);
  const double refitted = ax / aa;
  if (refitted > -65504 && refitted < 65504) d = static_cast<float>(refitted);
  out.d = half_of(d);
  d = float_of_half(out.d);
  for (size_t s = 0; s < kSubs; ++s) {
    const float inverse = inverse_or_zero(d * static_cast<float>(out.scales[s]));
    for (size_t i = s * kSub; i < (s + 1) * kSub; ++i) {
      const float q = nearest(x[i] * inverse, static_cast<float>(-kHalf), static_cast<float>(kHalf - 1));
      out.codes[i] = static_cast<uint8_t>(static_cast<int32_t>(q) + kHalf);
    }
  }
}

template <size_t kSub, int kHalf, int kScaleHalf>
static void symmetric(const float* x, const float* w, SymmetricCodes& out) noexcept {
  if (w != nullptr)
    search_symmetric_block<kSub, kHalf, kScaleHalf, true>(x, w, out);
  else
    search_symmetric_block<kSub, kHalf, kScaleHalf, false>(x, w, out);
}

extern constexpr Searches kTable = {
    .q2_k = affine<16, 3, 15>,
    .q4_k = affine<32, 15, 63>,
    .q5_k = affine<32, 31, 63>,
    .q3_k = symmetric<16, 4, 32>,
    .q6_k = symmetric<16, 32, 128>,
};
