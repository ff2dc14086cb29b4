// Dot products with float rows as they are stored, written once over Vec: a vector of the row is loaded and
// widened once for a few rows of activations. What each of them gives does not depend on the others.
// No include guard on purpose: part of the body of an ISA file, after stored_floats.h.

constexpr size_t kMostDots = 4;  // rows of activations whose sums, two vectors each, stay in registers

// y[m] = w . row m of x, in kSums vectors of sums each (2 or 4). before(i) comes before the elements from i
// on, four vectors of them at a time.
template <size_t kRows, size_t kSums, typename Load>
void dots_of(size_t n, const float* x, size_t ldx, float* y, Load load_w, auto scalar_w,
             auto before) noexcept {
  constexpr size_t kW = Vec::kLanes;
  Vec sums[kRows][kSums];
  HONE_UNROLL(4)
  for (size_t m = 0; m < kRows; ++m) HONE_UNROLL(4)
  for (size_t u = 0; u < kSums; ++u) sums[m][u] = broadcast(0.0f);
  size_t i = 0;
  for (; i + 4 * kW <= n; i += 4 * kW) {
    before(i);
    HONE_UNROLL(4)
    for (size_t u = 0; u < 4; ++u) {
      const Vec w = load_w(i + u * kW);
      HONE_UNROLL(4)
      for (size_t m = 0; m < kRows; ++m)
        sums[m][u % kSums] = fma(w, load(x + m * ldx + i + u * kW), sums[m][u % kSums]);
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
    Vec total = add(sums[m][0], sums[m][1]);
    if constexpr (kSums == 4) total = add(total, add(sums[m][2], sums[m][3]));
    y[m] = sum(total);
    for (size_t j = i; j < n; ++j) y[m] += scalar_w(j) * x[m * ldx + j];
  }
}

float dot(size_t n, const float* a, const float* b) noexcept {
  float y;
  dots_of<1, 4>(
      n, b, 0, &y, [a](size_t i) { return load(a + i); }, [a](size_t i) { return a[i]; }, [](size_t) {});
  return y;
}

// Only the first rows of x ask for what comes behind the row.
template <typename Stored, size_t kRows>
void dots_some(size_t n, const std::byte* w, const float* x, size_t ldx, float* y, bool asks) noexcept {
  const auto get = [w](size_t i) { return Stored::get(w + i * Stored::kBytes); };
  const auto one = [w](size_t i) { return Stored::one(w + i * Stored::kBytes); };
  if (asks)
    dots_of<kRows, 2>(n, x, ldx, y, get, one,
                      [w](size_t i) { ask_ahead(w + i * Stored::kBytes, 4 * Vec::kLanes * Stored::kBytes); });
  else
    dots_of<kRows, 2>(n, x, ldx, y, get, one, [](size_t) {});
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
