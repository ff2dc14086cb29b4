// Products of interleaved quantized rows with int8 activations, written once over the ISA's Vec, Ints and
// Bytes. Integer sums run over the elements that share a scale, then go into f32 times both scales. What a
// format subtracts from its unsigned codes is the start value of an integer sum, so it costs nothing. No
// include guard on purpose: part of the body of an ISA file, after packed_formats.h.
#include "kernels/unroll.h"

template <typename F>
constexpr bool kDotSigned = F::kSigned&& kSignedDot;

// Codes as the dot product and the panels want them.
template <typename F>
inline Bytes dot_codes(const std::byte* p, size_t quad) {
  const Bytes codes = F::codes(p, quad);
  if constexpr (F::kSigned && !kSignedDot) return flip_sign(codes);
  return codes;
}

// Codes as a template parameter: an ISA need not have the product that it never asks for.
template <bool kSigned, typename Codes>
inline Ints dot_step(Ints sums, Codes codes, const int8_t* a) {
  if constexpr (kSigned)
    return dot4_signed(sums, codes, a);
  else
    return dot4(sums, codes, a);
}

// sums[m][v] += the products of kChain quads with row m of q, summed in 16 bits on the way; code(i, v) gives
// the i-th quad of vector v.
template <size_t kChain, size_t kMr, size_t kNv, typename Code>
inline void add_chain(Ints (&sums)[kMr][kNv], const int8_t* q, size_t stride, const Code& code) {
  decltype(pair_products(code(0, 0), q)) pairs[kMr][kNv];
  HONE_UNROLL(8)
  for (size_t i = 0; i < kChain; ++i) {
    HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v) {
      const auto codes = code(i, v);
      HONE_UNROLL(8)
      for (size_t m = 0; m < kMr; ++m) {
        const auto two = pair_products(codes, q + m * stride + 4 * i);
        pairs[m][v] = i == 0 ? two : add(pairs[m][v], two);
      }
    }
  }
  HONE_UNROLL(8)
  for (size_t m = 0; m < kMr; ++m) HONE_UNROLL(4)
  for (size_t v = 0; v < kNv; ++v) sums[m][v] = add_pairs(sums[m][v], pairs[m][v]);
}

// Where products of two neighbours are summed in 16 bits, this many quads of a run of kScaleElems fit before
// they must be widened; activations are at most 127. 1: every quad goes straight into 32 bits.
template <typename F>
constexpr size_t chain_of() {
  int32_t largest = 127;
  if constexpr (requires { F::kMaxCode; }) largest = F::kMaxCode;
  size_t chain = 1;
  if (!kPairSums || kDotSigned<F>) return chain;
  while (2 * chain <= F::kScaleElems / 4 && 2 * static_cast<int32_t>(chain) * 2 * 127 * largest <= 32767)
    chain *= 2;
  return chain;
}

// The sum of the codes of `elems` activations starting at block-local element `first`.
template <size_t kScaleElems>
inline int32_t code_sum(const int32_t* sums, size_t scale) {
  if constexpr (kScaleElems == 16) return sums[scale];
  return sums[2 * scale] + sums[2 * scale + 1];
}

inline void store_row(float* out, Vec y, size_t n, float alpha, bool accumulate) {
  y = mul(broadcast(alpha), y);
  if (n >= Vec::kLanes) return store(out, accumulate ? add(load(out), y) : y);
  float line[Vec::kLanes];
  store(line, y);
  for (size_t i = 0; i < n; ++i) out[i] = accumulate ? out[i] + line[i] : line[i];
}

// The s-th of the stretches that the scales cut a block into is asked for with them: as evenly as it is used.
template <typename F>
inline void ask_for_stretch(const std::byte* w, size_t s) {
  constexpr size_t kScales = F::kElems / F::kScaleElems, kStep = (F::kBytes / kScales + 63) / 64 * 64;
  const size_t begin = s * kStep, end = begin + kStep < F::kBytes ? begin + kStep : F::kBytes;
  if (begin < end) ask_ahead(w + begin, end - begin);
}

// kMr rows of activations against one group, whose codes are unpacked in registers.
template <typename F, size_t kMr>
void packed_rows_some(size_t n_rows, const std::byte* w, const Int8Rows& a, float* c, size_t ldc, float alpha,
                      bool accumulate) noexcept {
  constexpr size_t kQuads = F::kScaleElems / 4, kScales = F::kElems / F::kScaleElems, kChain = chain_of<F>();
  constexpr int32_t kZero = kDotSigned<F> ? 0 : F::kZero;
  Vec total[kMr];
  HONE_UNROLL(8)
  for (size_t m = 0; m < kMr; ++m) total[m] = broadcast(0.0f);
  for (size_t k = 0; k < a.k; k += F::kElems, w += F::kBytes) {
    HONE_UNROLL(16)
    for (size_t s = 0; s < kScales; ++s) {
      ask_for_stretch<F>(w, s);
      const size_t first = k + s * F::kScaleElems;
      Ints sums[kMr][1];
      HONE_UNROLL(8)
      for (size_t m = 0; m < kMr; ++m)
        sums[m][0] =
            splat(-kZero * code_sum<F::kScaleElems>(a.sums + m * (a.k / 16), first / F::kScaleElems));
      HONE_UNROLL(8)
      for (size_t j = 0; j < kQuads; j += kChain) {
        const int8_t* q = a.q + first + 4 * j;
        if constexpr (kChain > 1) {
          add_chain<kChain>(sums, q, a.k,
                            [&](size_t i, size_t) { return dot_codes<F>(w, s * kQuads + j + i); });
        } else {
          const Bytes codes = dot_codes<F>(w, s * kQuads + j);
          HONE_UNROLL(8)
          for (size_t m = 0; m < kMr; ++m)
            sums[m][0] = dot_step<kDotSigned<F>>(sums[m][0], codes, q + m * a.k);
        }
      }
      const Vec d = F::d(w, s);
      HONE_UNROLL(8)
      for (size_t m = 0; m < kMr; ++m) {
        const float da = a.d[m * (a.k / 32) + first / 32];
        total[m] = fma(to_float(sums[m][0]), mul(d, broadcast(da)), total[m]);
        if constexpr (F::kHasMin) {
          const int32_t sum = code_sum<F::kScaleElems>(a.sums + m * (a.k / 16), first / F::kScaleElems);
          total[m] = fma(F::min(w, s), broadcast(da * static_cast<float>(sum)), total[m]);
        }
      }
    }
  }
  HONE_UNROLL(8)
  for (size_t m = 0; m < kMr; ++m) store_row(c + m * ldc, total[m], n_rows, alpha, accumulate);
}

template <typename F>
void packed_rows(size_t m, size_t n_rows, const std::byte* group, const Int8Rows& all, float* c, size_t ldc,
                 float alpha, bool accumulate) noexcept {
  Int8Rows a = all;
  if constexpr (Vec::kLanes == 16)
    for (; m >= 8; m -= 8, a = a.from(8, 0), c += 8 * ldc)
      packed_rows_some<F, 8>(n_rows, group, a, c, ldc, alpha, accumulate);
  for (; m >= 4; m -= 4, a = a.from(4, 0), c += 4 * ldc)
    packed_rows_some<F, 4>(n_rows, group, a, c, ldc, alpha, accumulate);
  if (m == 3) packed_rows_some<F, 3>(n_rows, group, a, c, ldc, alpha, accumulate);
  if (m == 2) packed_rows_some<F, 2>(n_rows, group, a, c, ldc, alpha, accumulate);
  if (m == 1) packed_rows_some<F, 1>(n_rows, group, a, c, ldc, alpha, accumulate);
}

constexpr size_t kPanelCols = kInt8Vecs * Vec::kLanes;

template <typename F>
void packed_unpack_codes(size_t k, const std::byte* w, const Int8Panel& panel, size_t column) noexcept {
  constexpr size_t kScales = F::kElems / F::kScaleElems;
  uint8_t* codes = panel.codes + 4 * column;
  float* d = panel.d + column;
  float* min = panel.min + column;
  for (size_t b = 0; b < k / F::kElems; ++b, w += F::kBytes) {
    HONE_UNROLL(16)
    for (size_t s = 0; s < kScales; ++s) {
      store(d, F::d(w, s));
      d += kPanelCols;
      if constexpr (F::kHasMin) {
        store(min, F::min(w, s));
        min += kPanelCols;
      }
      HONE_UNROLL(8)
      for (size_t j = 0; j < F::kScaleElems / 4; ++j, codes += 4 * kPanelCols)
        store_bytes(codes, dot_codes<F>(w, s * (F::kScaleElems / 4) + j));
    }
  }
}

// put(values) for the elements of a group's slice in f32, four by four.
template <typename F, typename Put>
inline void decode_quads(size_t k, const std::byte* w, const Put& put) {
  for (size_t b = 0; b < k / F::kElems; ++b, w += F::kBytes) {
    HONE_UNROLL(64)
    for (size_t quad = 0; quad < F::kElems / 4; ++quad) {
      const size_t scale = 4 * quad / F::kScaleElems;
      Bytes codes = F::codes(w, quad);
      if constexpr (F::kSigned) codes = flip_sign(codes);
      const Vec d = F::d(w, scale);
      Vec values[4];
      HONE_UNROLL(4)
      for (int i = 0; i < 4; ++i) {
        const Vec code = byte_of(codes, i);
        if constexpr (F::kHasMin)
          values[i] = fma(code, d, F::min(w, scale));
        else
          values[i] = mul(sub(code, broadcast(static_cast<float>(F::kZero))), d);
      }
      put(values);
    }
  }
}

template <typename F>
void packed_unpack_f32(size_t k, const std::byte* w, float* out, size_t stride) noexcept {
  decode_quads<F>(k, w, [&](const Vec(&values)[4]) {
    HONE_UNROLL(4)
    for (int i = 0; i < 4; ++i, out += stride) store(out, values[i]);
  });
}

template <typename F>
void packed_unpack_pairs(size_t k, const std::byte* w, uint32_t* out, size_t stride) noexcept {
  decode_quads<F>(k, w, [&](const Vec(&values)[4]) {
    store_bf16_pairs(out, values[0], values[1]);
    store_bf16_pairs(out + stride, values[2], values[3]);
    out += 2 * stride;
  });
}

template <typename F>
constexpr auto unpack_pairs_of() -> decltype(PackedKernels::unpack_pairs) {
  if constexpr (kBf16Pairs)
    return packed_unpack_pairs<F>;
  else
    return nullptr;
}

template <typename F>
void packed_run_terms(size_t m, const Int8Rows& a, int32_t* out) noexcept {
  constexpr size_t kRuns = 32 / F::kScaleElems;  // that share an activation's scale
  constexpr int32_t kZero = kDotSigned<F> ? 0 : F::kZero;
  for (size_t i = 0; i < m * (a.k / F::kScaleElems); ++i) {
    const int32_t sum = code_sum<F::kScaleElems>(a.sums, i);
    if constexpr (F::kHasMin)
      out[i] = std::bit_cast<int32_t>(a.d[i / kRuns] * static_cast<float>(sum));
    else
      out[i] = -kZero * sum;
  }
}

template <size_t kScaleElems, bool kHasMin, bool kSigned, size_t kChain>
struct Int8Tile {
  template <size_t kMr>
  static void add_quad(Ints (&sums)[kMr][kInt8Vecs], const uint8_t* codes, const int8_t* q, size_t stride) {
    constexpr size_t kNv = kInt8Vecs;
    Bytes b[kNv];
    HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v)
      b[v] = load_bytes(reinterpret_cast<const std::byte*>(codes + 4 * v * Vec::kLanes));
    HONE_UNROLL(8)
    for (size_t m = 0; m < kMr; ++m) HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v) sums[m][v] = dot_step<kSigned>(sums[m][v], b[v], q + m * stride);
  }

  template <size_t kMr>
  static void run(size_t nr, size_t k, const Int8Rows& a, const int32_t* terms, const Int8Panel& panel,
                  float* c, size_t ldc, float alpha, bool accumulate) noexcept {
    constexpr size_t kNv = kInt8Vecs, kW = Vec::kLanes;
    Vec total[kMr][kNv];
    HONE_UNROLL(8)
    for (size_t m = 0; m < kMr; ++m) HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v) total[m][v] = broadcast(0.0f);
    const uint8_t* codes = panel.codes;
    const size_t n_terms = a.k / kScaleElems;
    // The results' lines lie far apart, and were last seen a panel ago.
    HONE_UNROLL(8)
    for (size_t m = 0; m < kMr; ++m) HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v) __builtin_prefetch(c + m * ldc + v * kW, 1);
    for (size_t s = 0; s < k / kScaleElems; ++s) {
      Ints sums[kMr][kNv];
      HONE_UNROLL(8)
      for (size_t m = 0; m < kMr; ++m) {
        const Ints start = splat(kHasMin ? 0 : terms[m * n_terms + s]);
        HONE_UNROLL(4)
        for (size_t v = 0; v < kNv; ++v) sums[m][v] = start;
      }
      const int8_t* q = a.q + s * kScaleElems;
      HONE_UNROLL(8)
      for (size_t j = 0; j < kScaleElems / 4; j += kChain, codes += 4 * kPanelCols * kChain) {
        if constexpr (kChain > 1)
          add_chain<kChain>(sums, q + 4 * j, a.k, [&](size_t i, size_t v) {
            return load_bytes(reinterpret_cast<const std::byte*>(codes + 4 * (i * kPanelCols + v * kW)));
          });
        else
          add_quad(sums, codes, q + 4 * j, a.k);
      }
      const float* d = panel.d + s * kPanelCols;
      HONE_UNROLL(8)
      for (size_t m = 0; m < kMr; ++m) {
        const float da = a.d[m * (a.k / 32) + s * kScaleElems / 32];
        const Vec scale = broadcast(da);
        HONE_UNROLL(4)
        for (size_t v = 0; v < kNv; ++v)
          total[m][v] = fma(to_float(sums[m][v]), mul(scale, load(d + v * kW)), total[m][v]);
        if constexpr (kHasMin) {
          const Vec sum = broadcast(std::bit_cast<float>(terms[m * n_terms + s]));
          const float* min = panel.min + s * kPanelCols;
          HONE_UNROLL(4)
          for (size_t v = 0; v < kNv; ++v) total[m][v] = fma(sum, load(min + v * kW), total[m][v]);
        }
      }
    }
    HONE_UNROLL(8)
    for (size_t m = 0; m < kMr; ++m) HONE_UNROLL(4)
    for (size_t v = 0; v < kNv; ++v)
      if (v * kW < nr) store_row(c + m * ldc + v * kW, total[m][v], nr - v * kW, alpha, accumulate);
  }

  template <size_t kMr>
  static void pick(size_t mr, size_t nr, size_t k, const Int8Rows& a, const int32_t* terms,
                   const Int8Panel& panel, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
    if (mr == kMr) return run<kMr>(nr, k, a, terms, panel, c, ldc, alpha, accumulate);
    if constexpr (kMr > 1) pick<kMr - 1>(mr, nr, k, a, terms, panel, c, ldc, alpha, accumulate);
  }
};

template <typename F>
void packed_tile(size_t mr, size_t nr, size_t k, const Int8Rows& all, const int32_t* terms,
                 const Int8Panel& panel, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  using Tile = Int8Tile<F::kScaleElems, F::kHasMin, kDotSigned<F>, chain_of<F>()>;
  Int8Rows a = all;
  for (; mr >= kInt8Rows; mr -= kInt8Rows, c += kInt8Rows * ldc) {
    Tile::template run<kInt8Rows>(nr, k, a, terms, panel, c, ldc, alpha, accumulate);
    a = a.from(kInt8Rows, 0);
    terms += kInt8Rows * (a.k / F::kScaleElems);
  }
  if (mr > 0) Tile::template pick<kInt8Rows - 1>(mr, nr, k, a, terms, panel, c, ldc, alpha, accumulate);
}

template <typename F>
constexpr PackedKernels kPackedKernels = {
    .lanes = Vec::kLanes,
    .panel_cols = kPanelCols,
    .tile_rows = kInt8Rows,
    .scale_elems = F::kScaleElems,
    .slower_than_i16 = kPairSums&& chain_of<F>() == 1,
    .planes_cost = kPairSums,
    .rows = packed_rows<F>,
    .unpack_codes = packed_unpack_codes<F>,
    .run_terms = packed_run_terms<F>,
    .tile = packed_tile<F>,
    .unpack_f32 = packed_unpack_f32<F>,
    .unpack_pairs = unpack_pairs_of<F>(),
};

struct PackedFormat {
  FormatId format;
  const PackedKernels* kernels;
};
constexpr PackedFormat kPackedFormats[] = {
    {FormatId::kQ4_0, &kPackedKernels<PackedQ4_0>},     {FormatId::kQ4_1, &kPackedKernels<PackedQ4_1>},
    {FormatId::kQ5_0, &kPackedKernels<PackedQ5_0>},     {FormatId::kQ5_1, &kPackedKernels<PackedQ5_1>},
    {FormatId::kQ8_0, &kPackedKernels<PackedQ8_0>},     {FormatId::kQ2_K, &kPackedKernels<PackedQ2_K>},
    {FormatId::kQ3_K, &kPackedKernels<PackedQ3_K>},     {FormatId::kQ4_K, &kPackedKernels<PackedQ4_K>},
    {FormatId::kQ5_K, &kPackedKernels<PackedQ5_K>},     {FormatId::kQ6_K, &kPackedKernels<PackedQ6_K>},
    {FormatId::kIQ4_NL, &kPackedKernels<PackedIQ4_NL>}, {FormatId::kIQ4_XS, &kPackedKernels<PackedIQ4_XS>},
    {FormatId::kMXFP4, &kPackedKernels<PackedMXFP4>},   {FormatId::kTQ2_0, &kPackedKernels<PackedTQ2_0>},
};

const PackedKernels* packed_for(FormatId format) noexcept {
  for (const PackedFormat& known : kPackedFormats)
    if (known.format == format) return known.kernels;
  return nullptr;
}
