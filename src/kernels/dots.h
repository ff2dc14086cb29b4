// Dot products with float rows as they are stored, written once over Vec: a vector of the row is loaded and
// widened once for a few rows of activations. What each of them gives does not depend on the others.
// No include guard on purpose: part of the body of an ISA file, after stored_floats.h.

struct StoredBf16 {
  static constexpr size_t kBytes = 2;
  static Vec get(const std::byte* p) { return load_bf16(p); }
  static float one(const std::byte* p) {
    uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
  }
};

constexpr size_t kMostDots = 4;  // rows of activations whose sums, two vectors each, stay in registers

// y[m] = w . row m of x. before(i) comes before the elements from i on, four vectors of them at a time.
template <size_t kRows, typename Load>
void dots_of(size_t n, const float* x, size_t ldx, float* y, Load load_w, auto scalar_w,
             auto before) noexcept {
  constexpr size_t kW = Vec::kLanes;
  Vec sums[kRows][2];
  HONE_UNROLL(4)
  for (size_t m = 0; m < kRows; ++m) sums[m][0] = sums[m][1] = broadcast(0.0f);
  size_t i = 0;
  for (; i + 4 * kW <= n; i += 4 * kW) {
    before(i);
    HONE_UNROLL(4)
    for (size_t u = 0; u < 4; ++u) {
      const Vec w = load_w(i + u * kW);
      HONE_UNROLL(4)
      for (size_t m = 0; m < kRows; ++m)
        sums[m][u % 2] = fma(w, load(x + m * ldx + i + u * kW), sums[m][u % 2]);
    }
  }
  if (i < n) before(i);
  for (; i + kW <= n; i += kW) {
    const Vec w = load_w(i);
    HONE_UNROLL(4)
    for (size_t m = 0; m < kRows; ++m) sums[m][0] = fma(w, load(x + m * ldx + i), sums[m][0]);
  }
  HONE_UNROLL(4)
  for (size_t m = 0; m < kRows; ++m) {
    y[m] = sum(add(sums[m][0], sums[m][1]));
    for (size_t j = i; j < n; ++j) y[m] += scalar_w(j) * x[m * ldx + j];
  }
}

float dot(size_t n, const float* a, const float* b) noexcept {
  float y;
  dots_of<1>(
      n, b, 0, &y, [a](size_t i) { return load(a + i); }, [a](size_t i) { return a[i]; }, [](size_t) {});
  return y;
}

// Only the first rows of x ask for what comes behind the row.
template <typename Stored, size_t kRows>
void dots_some(size_t n, const std::byte* w, const float* x, size_t ldx, float* y, bool asks) noexcept {
  const auto get = [w](size_t i) { return Stored::get(w + i * Stored::kBytes); };
  const auto one = [w](size_t i) { return Stored::one(w + i * Stored::kBytes); };
  if (asks)
    dots_of<kRows>(n, x, ldx, y, get, one,
                   [w](size_t i) { ask_ahead(w + i * Stored::kBytes, 4 * Vec::kLanes * Stored::kBytes); });
  else
    dots_of<kRows>(n, x, ldx, y, get, one, [](size_t) {});
}

template <typename Stored>
void dots(size_t m, size_t n, const std::byte* w, const float* x, size_t ldx, float* y) noexcept {
  size_t i = 0;
  for (; i + kMostDots <= m; i += kMostDots)
    dots_some<Stored, kMostDots>(n, w, x + i * ldx, ldx, y + i, i == 0);
  if (m - i == 3) return dots_some<Stored, 3>(n, w, x + i * ldx, ldx, y + i, i == 0);
  if (m - i == 2) return dots_some<Stored, 2>(n, w, x + i * ldx, ldx, y + i, i == 0);
  if (m - i == 1) dots_some<Stored, 1>(n, w, x + i * ldx, ldx, y + i, i == 0);
}

DotsFloat dots_float(FormatId format) noexcept {
  if (format == FormatId::kF32) return dots<StoredF32>;
  if (format == FormatId::kF16) return dots<StoredF16>;
  if (format == FormatId::kBF16) return dots<StoredBf16>;
  return nullptr;
}
