// Sums of few rows out of many, and which rows those are, written once over the ISA's Vec and Ints. No
// include guard on purpose: part of the body of an ISA file, after generic_f32.h.

size_t sample(size_t n, float scale, float least, const float* x, const float* u, uint32_t first,
              uint32_t* ids, float* values) noexcept {
  constexpr size_t kW = Vec::kLanes;
  const Vec by = broadcast(scale), least_all = broadcast(least);
  size_t kept = 0, i = 0;
  for (; i + kW <= n; i += kW) {
    const Vec y = mul(load(x + i), by);
    kept += put_positive(sub(y, mul(load(u + i), least_all)), vmax(y, least_all),
                         first + static_cast<uint32_t>(i), ids + kept, values + kept);
  }
  for (; i < n; ++i) {
    const float y = x[i] * scale;
    if (!(y - u[i] * least > 0)) continue;
    ids[kept] = first + static_cast<uint32_t>(i);
    values[kept++] = y > least ? y : least;
  }
  return kept;
}

// kVecs vectors of pairs at a time: their sums stay in registers.
template <size_t kVecs>
void add_paired_some(size_t n, size_t count, const uint32_t* ids, uint32_t first, const float* values,
                     const uint32_t* rows, float* low, float* high) noexcept {
  constexpr size_t kW = Vec::kLanes;
  Vec lows[kVecs], highs[kVecs];
  HONE_UNROLL(8)
  for (size_t v = 0; v < kVecs; ++v) {
    lows[v] = load(low + v * kW);
    highs[v] = load(high + v * kW);
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t* row = rows + (ids[i] - first) * n;
    const Vec value = broadcast(values[i]);
    HONE_UNROLL(8)
    for (size_t v = 0; v < kVecs; ++v) {
      const Ints pairs = load_ints(reinterpret_cast<const std::byte*>(row + v * kW));
      lows[v] = fma(value, low_halves(pairs), lows[v]);
      highs[v] = fma(value, high_halves(pairs), highs[v]);
    }
  }
  HONE_UNROLL(8)
  for (size_t v = 0; v < kVecs; ++v) {
    store(low + v * kW, lows[v]);
    store(high + v * kW, highs[v]);
  }
}

void add_paired_rows(size_t n, size_t count, const uint32_t* ids, uint32_t first, const float* values,
                     const uint32_t* rows, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes, kVecs = kW == 16 ? 6 : 3;
  size_t i = 0;
  for (; i + kVecs * kW <= n; i += kVecs * kW)
    add_paired_some<kVecs>(n, count, ids, first, values, rows + i, y + i, y + n + i);
  for (; i < n; i += kW) add_paired_some<1>(n, count, ids, first, values, rows + i, y + i, y + n + i);
}
