// The second part of search_body.h: x ~ scale * value, scale of either sign.
// No include guard on purpose.

static inline void fit_symmetric(const Sums& s, float* scale, float* gain) noexcept {
  for (size_t c = 0; c < kCandidates; c += kLanes) {
    const Lanes qq = load(s.qq + c), qx = load(s.qx + c);
    const Lanes best = qq > 0.0f ? qx / qq : Lanes{};
    store(scale + c, best);
    store(gain + c, best * qx);
  }
}

struct Scale {
  float scale = 0, gain = 0;
};

// Keeps the best of eight inverse scales.
template <size_t kSub, typename Code, bool kWeighted>
static void try_inverses(const float* x, const float* w, const float* multiples, float unit,
                         Scale& best) noexcept {
  Candidates tried{};
  Sums sums;
  float scale[kCandidates], gain[kCandidates];
  for (size_t c = 0; c < kCandidates; c += kLanes) store(tried.inverse + c, load(multiples + c) * unit);
  sum_codes<kSub, Code, kWeighted>(x, w, tried, sums);
  fit_symmetric(sums, scale, gain);
  const size_t c = best_of(gain);
  if (gain[c] > best.gain) best = {scale[c], gain[c]};
}

template <size_t kSub, typename Code, bool kWeighted>
static float search_symmetric(const float* x, const float* w) noexcept {
  const Moments m = moments_of<kSub, kWeighted>(x, w);
  const float extreme = -m.low > m.high ? m.low : m.high;
  if (extreme == 0.0f) return 0.0f;
  Scale best;
  for (size_t c = 0; c < sizeof Code::kStart / sizeof(float); c += kCandidates)
    try_inverses<kSub, Code, kWeighted>(x, w, Code::kStart + c, 1.0f / extreme, best);
  try_inverses<kSub, Code, kWeighted>(x, w, kNearby, inverse_or_zero(best.scale), best);
  return best.scale;
}

// The integer scale near the wanted one by the error that is left; adds to the sums that d is refitted from.
template <size_t kSub, typename Code, int kScaleHalf, bool kWeighted>
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
  sum_codes<kSub, Code, kWeighted>(x, w, tried, sums);
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

template <size_t kSub, typename Code, int kScaleHalf, bool kWeighted>
static void search_symmetric_block(const float* x, const float* w, SymmetricCodes& out) noexcept {
  constexpr size_t kSubs = kSuper / kSub;
  float wanted[kSubs];
  float low = 0, high = 0;
  for (size_t s = 0; s < kSubs; ++s) {
    wanted[s] = search_symmetric<kSub, Code, kWeighted>(x + s * kSub, kWeighted ? w + s * kSub : nullptr);
    low = wanted[s] < low ? wanted[s] : low;
    high = wanted[s] > high ? wanted[s] : high;
  }
  const float extreme = -low > high ? low : high;
  float d = float_of_half(half_of(extreme / static_cast<float>(-kScaleHalf)));
  double aa = 0, ax = 0;
  for (size_t s = 0; s < kSubs; ++s)
    out.scales[s] = store_symmetric<kSub, Code, kScaleHalf, kWeighted>(
        x + s * kSub, kWeighted ? w + s * kSub : nullptr, wanted[s], d, aa, ax);
  const double refitted = ax / aa;
  if (refitted > -65504 && refitted < 65504) d = static_cast<float>(refitted);
  out.d = half_of(d);
  d = float_of_half(out.d);
  for (size_t s = 0; s < kSubs; ++s) {
    const float inverse = inverse_or_zero(d * static_cast<float>(out.scales[s]));
    store_codes<Code>(x + s * kSub, kSub, inverse, 0.0f, out.codes + s * kSub);
  }
}

template <size_t kSub, typename Code, int kScaleHalf>
static void symmetric(const float* x, const float* w, SymmetricCodes& out) noexcept {
  if (w != nullptr)
    search_symmetric_block<kSub, Code, kScaleHalf, true>(x, w, out);
  else
    search_symmetric_block<kSub, Code, kScaleHalf, false>(x, w, out);
}
