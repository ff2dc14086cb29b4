// Part of the body of an ISA file, after search_body.h's registers: what the codes of a format stand for.
// value(): the nearest number that a code can stand for; index(): the code itself. kStart: multiples of 1 /
// extreme to try first as inverse scales. No include guard on purpose.

template <int kLow, int kHigh>
struct Whole {
  static Lanes value(Lanes v) noexcept { return nearest(v, all(kLow), all(kHigh)); }
  static Lanes index(Lanes v) noexcept { return value(v) - static_cast<float>(kLow); }
};

// The extreme gets the code of largest magnitude, which is negative; from clipping it to leaving room.
template <int kHalf>
struct Symmetric : Whole<-kHalf, kHalf - 1> {
  static constexpr float kStart[] = {1.2f - kHalf,  0.85f - kHalf,  0.5f - kHalf,  0.15f - kHalf,
                                     -0.2f - kHalf, -0.55f - kHalf, -0.9f - kHalf, -1.25f - kHalf};
};

struct Ternary : Whole<-1, 1> {
  static constexpr float kStart[] = {1.0f, 1.3f, 1.7f, 2.1f, 2.6f, 3.2f, 4.0f, 5.5f};
};

// Sums over the steps of a codebook that |values| of v have passed, halfway between neighbours.
template <size_t kValues>
static inline Lanes passed(Lanes v, const float (&values)[kValues]) noexcept {
  Lanes y{};
  for (size_t k = 1; k < kValues; ++k)
    y += v > (values[k - 1] + values[k]) * 0.5f ? all(values[k] - values[k - 1]) : Lanes{};
  return y;
}
template <size_t kValues>
static inline Lanes count_passed(Lanes v, const float (&values)[kValues]) noexcept {
  Lanes y{};
  for (size_t k = 1; k < kValues; ++k) y += v > (values[k - 1] + values[k]) * 0.5f ? all(1.0f) : Lanes{};
  return y;
}

// kIq4Values of codebook.h, dense around zero. Either end may be the extreme's.
struct Iq4 {
  static constexpr float kValues[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
  static constexpr float kStart[] = {-104, -112, -120, -127, -133, -140, 150, -150,
                                     92,   99,   106,  113,  119,  126,  133, 140};
  static Lanes value(Lanes v) noexcept { return passed(v, kValues) + kValues[0]; }
  static Lanes index(Lanes v) noexcept { return count_passed(v, kValues); }
};

// kFp4Values of codebook.h: twice the magnitudes of a sign, two bits of exponent and one of mantissa.
struct Fp4 {
  static constexpr float kValues[] = {0, 1, 2, 3, 4, 6, 8, 12};
  static Lanes value(Lanes v) noexcept {
    const Lanes y = passed(v < 0.0f ? -v : v, kValues);
    return v < 0.0f ? -y : y;
  }
  static Lanes index(Lanes v) noexcept {
    const Lanes y = count_passed(v < 0.0f ? -v : v, kValues);
    return ((v < 0.0f) & (y > 0.0f)) ? y + 8.0f : y;
  }
};

template <typename Code>
static void store_codes(const float* x, size_t n, float inverse, float bias, uint8_t* codes) noexcept {
  for (size_t i = 0; i < n; i += kLanes) {
    float index[kLanes];
    store(index, Code::index(load(x + i) * inverse + bias));
    for (size_t k = 0; k < kLanes; ++k) codes[i + k] = static_cast<uint8_t>(static_cast<int32_t>(index[k]));
  }
}
