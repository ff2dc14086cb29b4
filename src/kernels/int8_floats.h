// Int8Kernels (kernels/int8.h), written once over the ISA's Vec: panels as of Q8_0, whose tile serves, but
// made of floats and with scales in f32. No include guard on purpose: part of the body of an ISA file, after
// packed_int8.h.

// Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the lowest bits; 128 more flips the sign
// of the byte.
template <Vec (*kLoad)(const std::byte*)>
void int8_encode(size_t k, const std::byte* w, size_t stride, const Int8Panel& panel,
                 size_t column) noexcept {
  constexpr float kRound = 12582912.0f + (kSignedDot ? 0.0f : 128.0f);
  uint8_t* codes = panel.codes + 4 * column;
  float* d = panel.d + column;
  for (size_t run = 0; run < k; run += 32, d += kPanelCols) {
    Vec top = broadcast(0.0f), other = top;  // two chains: a maximum takes longer than the next load
    for (size_t i = 0; i < 32; i += 2) {
      top = larger_size(top, kLoad(w + i * stride));
      other = larger_size(other, kLoad(w + (i + 1) * stride));
    }
    top = larger_size(top, other);
    store(d, mul(top, broadcast(1.0f / 127.0f)));
    const Vec inverse = div(broadcast(127.0f), vmax(top, broadcast(1e-30f)));
    for (size_t i = 0; i < 32; i += 4, w += 4 * stride, codes += 4 * kPanelCols) {
      Vec four[4];
      HONE_UNROLL(4)
      for (size_t j = 0; j < 4; ++j) four[j] = fma(kLoad(w + j * stride), inverse, broadcast(kRound));
      store_bytes(codes, lowest_bytes(four[0], four[1], four[2], four[3]));
    }
  }
}

inline Vec load_f32(const std::byte* p) {
  return load(reinterpret_cast<const float*>(p));
}

inline EncodeColumns int8_encode_of(FormatId format) noexcept {
  if (format == FormatId::kF32) return int8_encode<load_f32>;
  if (format == FormatId::kF16) return int8_encode<load_f16>;
  return format == FormatId::kBF16 ? int8_encode<load_bf16> : nullptr;
}

constexpr Int8Kernels kInt8Kernels = {
    .lanes = Vec::kLanes,
    .panel_cols = kPanelCols,
    .tile_rows = kInt8Rows,
    .code_flip = kSignedDot ? 0u : 0x80808080u,
    .encode = int8_encode_of,
    .run_terms = packed_run_terms<PackedQ8_0>,
    .tile = packed_tile<PackedQ8_0>,
};
