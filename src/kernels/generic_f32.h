// The f32 kernels written once over a Vec type (load, store, fma, …). Each ISA includes this inside its own
// namespace after its simd header, so that every instantiation belongs to that ISA alone.
// No include guard and no includes on purpose: this is the body of an ISA file.

template <size_t kMr>
void tile_rows(size_t nr, size_t k, const float* a, size_t a_row, size_t a_col, const float* b, size_t ldb,
               float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  constexpr size_t kW = Vec::kLanes;
  Vec sum0[kMr], sum1[kMr];
#pragma GCC unroll 16
  for (size_t m = 0; m < kMr; ++m) sum0[m] = sum1[m] = broadcast(0.0f);
  for (size_t i = 0; i < k; ++i) {
    const Vec b0 = load(b), b1 = load(b + kW);
    b += ldb;
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m) {
      const Vec x = broadcast(a[m * a_row]);
      sum0[m] = fma(x, b0, sum0[m]);
      sum1[m] = fma(x, b1, sum1[m]);
    }
    a += a_col;
  }
  const Vec scale = broadcast(alpha);
  if (nr == 2 * kW) {
#pragma GCC unroll 16
    for (size_t m = 0; m < kMr; ++m) {
      float* out = c + m * ldc;
      store(out, accumulate ? fma(scale, sum0[m], load(out)) : mul(scale, sum0[m]));
      store(out + kW, accumulate ? fma(scale, sum1[m], load(out + kW)) : mul(scale, sum1[m]));
    }
    return;
  }
  float line[2 * kW];
#pragma GCC unroll 16
  for (size_t m = 0; m < kMr; ++m) {
    store(line, mul(scale, sum0[m]));
    store(line + kW, mul(scale, sum1[m]));
    for (size_t n = 0; n < nr; ++n) c[m * ldc + n] = accumulate ? c[m * ldc + n] + line[n] : line[n];
  }
}

template <size_t kMr>
void tile_dispatch(size_t mr, size_t nr, size_t k, const float* a, size_t a_row, size_t a_col, const float* b,
                   size_t ldb, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  if (mr == kMr) return tile_rows<kMr>(nr, k, a, a_row, a_col, b, ldb, c, ldc, alpha, accumulate);
  if constexpr (kMr > 1)
    tile_dispatch<kMr - 1>(mr, nr, k, a, a_row, a_col, b, ldb, c, ldc, alpha, accumulate);
}

void tile_f32(size_t mr, size_t nr, size_t k, const float* a, size_t a_row, size_t a_col, const float* b,
              size_t ldb, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  tile_dispatch<Vec::kTileM>(mr, nr, k, a, a_row, a_col, b, ldb, c, ldc, alpha, accumulate);
}

void axpy(size_t n, float alpha, const float* x, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes;
  const Vec s = broadcast(alpha);
  size_t i = 0;
  for (; i + kW <= n; i += kW) store(y + i, fma(s, load(x + i), load(y + i)));
  for (; i < n; ++i) y[i] += alpha * x[i];
}

void scale_mul(size_t n, float s, const float* x, const float* w, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes;
  const Vec factor = broadcast(s);
  size_t i = 0;
  for (; i + kW <= n; i += kW) store(y + i, mul(mul(factor, load(x + i)), load(w + i)));
  for (; i < n; ++i) y[i] = s * x[i] * w[i];
}

float max_of(size_t n, const float* x) noexcept {
  constexpr size_t kW = Vec::kLanes;
  if (n < kW) {
    float best = x[0];
    for (size_t i = 1; i < n; ++i) best = x[i] > best ? x[i] : best;
    return best;
  }
  Vec best = load(x);
  for (size_t i = kW; i + kW <= n; i += kW) best = vmax(best, load(x + i));
  return reduce_max(vmax(best, load(x + n - kW)));
}

// exp by 2^n * p(r), |r| <= ln2/2: degree-6 Taylor-like minimax (Cephes expf); relative error < 2e-7 on [-87,
// 88]. Below -87 the result is flushed to about 1e-38, which no sum of ours can tell from zero.
inline Vec exp_vec(Vec x) {
  // In this operand order the instructions pass NaN on.
  x = vmin(broadcast(88.0f), vmax(broadcast(-87.0f), x));
  const Vec n = round(mul(x, broadcast(1.44269504088896341f)));
  Vec r = fma(n, broadcast(-0.693359375f), x);
  r = fma(n, broadcast(2.12194440e-4f), r);
  Vec p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(5.0000001201e-1f));
  p = add(fma(mul(p, r), r, r), broadcast(1.0f));
  return scale_pow2(p, n);
}

double exp_sum(size_t n, float scale, float shift, const float* x, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes;
  const Vec s = broadcast(scale), minus = broadcast(-shift);
  double total = 0;
  size_t i = 0;
  while (i < n) {
    // Sixteen at a time in f32: beyond that rounding would show.
    Vec part = broadcast(0.0f);
    const size_t end = i + 16 * kW;
    for (; i < end && i + kW <= n; i += kW) {
      const Vec e = exp_vec(fma(load(x + i), s, minus));
      store(y + i, e);
      part = add(part, e);
    }
    if (i < end && i < n) {
      const size_t rest = n - i;
      const Vec e = exp_vec(fma(load_first(x + i, rest), s, minus));
      store_first(y + i, rest, e);
      part = add(part, keep_first(e, rest));
      i = n;
    }
    total += sum_double(part);
  }
  return total;
}

inline Vec sigmoid_vec(Vec x) {
  const Vec one = broadcast(1.0f);
  return div(one, add(one, exp_vec(sub(broadcast(0.0f), x))));
}

// Gates of the form x sigmoid(z(x)). SiLU: z = x.
struct SiluGate {
  static Vec z(Vec x) { return x; }
  static Vec slope(Vec) { return broadcast(1.0f); }
};
// GELU in its tanh form: 0.5 x (1 + tanh(z/2)), z = 2 sqrt(2/pi) (x + 0.044715 x^3). Hendrycks & Gimpel 2016.
struct GeluGate {
  static constexpr float kLinear = 1.5957691216057308f, kCubic = 0.044715f * kLinear;
  static Vec z(Vec x) { return mul(x, fma(broadcast(kCubic), mul(x, x), broadcast(kLinear))); }
  static Vec slope(Vec x) { return fma(broadcast(3 * kCubic), mul(x, x), broadcast(kLinear)); }
};

template <typename Gate>
Vec gated_vec(Vec gate, Vec up) {
  return mul(mul(gate, sigmoid_vec(Gate::z(gate))), up);
}

template <typename Gate>
void gated(size_t n, const float* gate, const float* up, float* y) noexcept {
  constexpr size_t kW = Vec::kLanes;
  size_t i = 0;
  for (; i + kW <= n; i += kW) store(y + i, gated_vec<Gate>(load(gate + i), load(up + i)));
  if (i < n) {
    const size_t rest = n - i;
    store_first(y + i, rest, gated_vec<Gate>(load_first(gate + i, rest), load_first(up + i, rest)));
  }
}

template <typename Gate>
void gated_backward_vec(Vec gate, Vec up, Vec dy, float* dgate, float* dup) {
  const Vec s = sigmoid_vec(Gate::z(gate));
  const Vec act = mul(gate, s);
  store(dup, mul(dy, act));
  store(dgate, mul(mul(dy, up), fma(mul(act, Gate::slope(gate)), sub(broadcast(1.0f), s), s)));
}

template <typename Gate>
void gated_backward(size_t n, const float* gate, const float* up, const float* dy, float* dgate,
                    float* dup) noexcept {
  constexpr size_t kW = Vec::kLanes;
  size_t i = 0;
  for (; i + kW <= n; i += kW)
    gated_backward_vec<Gate>(load(gate + i), load(up + i), load(dy + i), dgate + i, dup + i);
  if (i < n) {
    alignas(64) float g[kW] = {}, u[kW] = {}, d[kW] = {}, dg[kW], du[kW];
    __builtin_memcpy(g, gate + i, 4 * (n - i));
    __builtin_memcpy(u, up + i, 4 * (n - i));
    __builtin_memcpy(d, dy + i, 4 * (n - i));
    gated_backward_vec<Gate>(load(g), load(u), load(d), dg, du);
    __builtin_memcpy(dgate + i, dg, 4 * (n - i));
    __builtin_memcpy(dup + i, du, 4 * (n - i));
  }
}
