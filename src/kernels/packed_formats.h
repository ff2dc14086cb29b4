// How each format's interleaved blocks turn into codes and scales, a vector of rows at a time. A struct says:
//   kElems, kBytes   elements of a block, bytes of a group's block
//   kScaleElems      elements that share a scale
//   kZero            what is subtracted from every (unsigned) code; kSigned: codes are stored signed instead
//   kMaxCode         the largest unsigned code, where it is below 127
//   kHasMin          value = d * code + min instead of d * (code - kZero)
//   d(p, i), min(p, i)  of the block's i-th run of kScaleElems
//   codes(p, quad)   elements 4 * quad ... + 3
// No include guard on purpose: this is part of the body of an ISA file, after its simd header.

template <size_t kFieldBytes>
struct PackedNibbles {
  static constexpr size_t kElems = 32, kBytes = (kFieldBytes + 16) * Vec::kLanes, kScaleElems = 32;
  static constexpr bool kSigned = false;
  static Vec d(const std::byte* p, size_t) { return load_f16(p); }
  static Bytes nibbles(const std::byte* p, size_t quad) {
    const Bytes word = load_bytes(p + (kFieldBytes + 4 * (quad % 4)) * Vec::kLanes);
    return quad < 4 ? low_nibbles(word) : high_nibbles(word);
  }
  // The fifth bits stand before the nibbles.
  static Bytes five_bits(const std::byte* p, size_t quad) {
    const Bytes high = load_bytes(p + (kFieldBytes - 4) * Vec::kLanes);
    return either(nibbles(p, quad), bits_at(high, static_cast<int>(quad) - 4, 16));
  }
};

struct PackedQ4_0 : PackedNibbles<2> {
  static constexpr int32_t kMaxCode = 15;
  static constexpr int32_t kZero = 8;
  static constexpr bool kHasMin = false;
  static Bytes codes(const std::byte* p, size_t quad) { return nibbles(p, quad); }
};

struct PackedQ4_1 : PackedNibbles<4> {
  static constexpr int32_t kMaxCode = 15;
  static constexpr int32_t kZero = 0;
  static constexpr bool kHasMin = true;
  static Vec min(const std::byte* p, size_t) { return load_f16(p + 2 * Vec::kLanes); }
  static Bytes codes(const std::byte* p, size_t quad) { return nibbles(p, quad); }
};

struct PackedQ5_0 : PackedNibbles<6> {
  static constexpr int32_t kMaxCode = 31;
  static constexpr int32_t kZero = 16;
  static constexpr bool kHasMin = false;
  static Bytes codes(const std::byte* p, size_t quad) { return five_bits(p, quad); }
};

struct PackedQ5_1 : PackedNibbles<8> {
  static constexpr int32_t kMaxCode = 31;
  static constexpr int32_t kZero = 0;
  static constexpr bool kHasMin = true;
  static Vec min(const std::byte* p, size_t) { return load_f16(p + 2 * Vec::kLanes); }
  static Bytes codes(const std::byte* p, size_t quad) { return five_bits(p, quad); }
};

struct PackedQ8_0 {
  static constexpr size_t kElems = 32, kBytes = 34 * Vec::kLanes, kScaleElems = 32;
  static constexpr bool kSigned = true, kHasMin = false;
  static constexpr int32_t kZero = 128;
  static Vec d(const std::byte* p, size_t) { return load_f16(p); }
  static Bytes codes(const std::byte* p, size_t quad) { return load_bytes(p + (2 + 4 * quad) * Vec::kLanes); }
};

// Eight 6-bit scales and minimums of a super-block in three words: codec::pack_scales.
template <size_t kElemBytes>
struct PackedScales {
  static constexpr size_t kElems = 256, kBytes = (16 + kElemBytes) * Vec::kLanes, kScaleElems = 32;
  static constexpr bool kSigned = false, kHasMin = true;
  static constexpr int32_t kZero = 0;
  // Field `word` (0: scales, 1: minimums) of sub-block i.
  static Vec six_bits(const std::byte* p, size_t word, size_t i) {
    const std::byte* words = p + 4 * Vec::kLanes;
    const Ints own = load_ints(words + 4 * word * Vec::kLanes);
    if (i < 4) return to_float(shift_and(own, static_cast<int>(8 * i), 63));
    const int at = static_cast<int>(8 * (i - 4));
    const Ints low = shift_and(load_ints(words + 8 * Vec::kLanes), at + 4 * static_cast<int>(word), 15);
    return to_float(either(low, shift_and(own, at + 2, 48)));
  }
  static Vec d(const std::byte* p, size_t i) { return mul(load_f16(p), six_bits(p, 0, i)); }
  static Vec min(const std::byte* p, size_t i) {
    return mul(sub(broadcast(0.0f), load_f16(p + 2 * Vec::kLanes)), six_bits(p, 1, i));
  }
  // 32 bytes for every 64 codes: low nibble code i, high nibble code i + 32.
  static Bytes nibbles(const std::byte* words, size_t quad) {
    const Bytes word = load_bytes(words + 4 * (quad / 16 * 8 + quad % 8) * Vec::kLanes);
    return quad / 8 % 2 == 0 ? low_nibbles(word) : high_nibbles(word);
  }
};

struct PackedQ4_K : PackedScales<128> {
  static constexpr int32_t kMaxCode = 15;
  static Bytes codes(const std::byte* p, size_t quad) { return nibbles(p + 16 * Vec::kLanes, quad); }
};

struct PackedQ5_K : PackedScales<160> {
  static constexpr int32_t kMaxCode = 31;
  static Bytes codes(const std::byte* p, size_t quad) {
    const Bytes high = load_bytes(p + (16 + 4 * (quad % 8)) * Vec::kLanes);
    return either(nibbles(p + 48 * Vec::kLanes, quad), bits_at(high, static_cast<int>(quad / 8) - 4, 16));
  }
};

struct PackedQ6_K {
  static constexpr size_t kElems = 256, kBytes = 210 * Vec::kLanes, kScaleElems = 16;
  static constexpr bool kSigned = false, kHasMin = false;
  static constexpr int32_t kZero = 32, kMaxCode = 63;
  static Vec d(const std::byte* p, size_t i) {
    const Ints scales = load_ints(p + (2 + i / 4 * 4) * Vec::kLanes);
    return mul(load_f16(p), to_float(signed_byte(scales, static_cast<int>(i % 4))));
  }
  static Bytes codes(const std::byte* p, size_t quad) {
    const size_t half = quad / 32, row = quad / 8 % 4, column = quad % 8;
    const std::byte* words = p + (18 + 96 * half) * Vec::kLanes;
    const Bytes high = load_bytes(words + 4 * column * Vec::kLanes);
    const Bytes low = load_bytes(words + 4 * (8 + 8 * (row % 2) + column) * Vec::kLanes);
    return either(row < 2 ? low_nibbles(low) : high_nibbles(low),
                  bits_at(high, 2 * static_cast<int>(row) - 4, 48));
  }
};

// 2-bit fields of 256 codes, codec::pack_pairs: byte i of half h has codes i, i + 32, i + 64, i + 96 of it.
inline Bytes packed_pairs(const std::byte* words, size_t quad) {
  const Bytes word = load_bytes(words + 4 * (quad / 32 * 8 + quad % 8) * Vec::kLanes);
  return bits_at(word, 2 * static_cast<int>(quad / 8 % 4), 3);
}

struct PackedQ2_K {
  static constexpr size_t kElems = 256, kBytes = 84 * Vec::kLanes, kScaleElems = 16;
  static constexpr bool kSigned = false, kHasMin = true;
  static constexpr int32_t kZero = 0, kMaxCode = 3;
  // Low nibbles scales, high ones minimums.
  static Vec four_bits(const std::byte* p, size_t i, int high) {
    const Ints word = load_ints(p + i / 4 * 4 * Vec::kLanes);
    return to_float(shift_and(word, static_cast<int>(8 * (i % 4)) + high, 15));
  }
  static Vec d(const std::byte* p, size_t i) {
    return mul(load_f16(p + 80 * Vec::kLanes), four_bits(p, i, 0));
  }
  static Vec min(const std::byte* p, size_t i) {
    return mul(sub(broadcast(0.0f), load_f16(p + 82 * Vec::kLanes)), four_bits(p, i, 4));
  }
  static Bytes codes(const std::byte* p, size_t quad) { return packed_pairs(p + 16 * Vec::kLanes, quad); }
};

// A 6-bit scale from its low and high bits, stored plus 32.
inline Vec six_bit_scale(Ints low, Ints high) {
  return fma(to_float(high), broadcast(16.0f), sub(to_float(low), broadcast(32.0f)));
}

struct PackedQ3_K {
  static constexpr size_t kElems = 256, kBytes = 110 * Vec::kLanes, kScaleElems = 16;
  static constexpr bool kSigned = false, kHasMin = false;
  static constexpr int32_t kZero = 4, kMaxCode = 7;
  static Vec d(const std::byte* p, size_t i) {
    const std::byte* words = p + 96 * Vec::kLanes;
    const int byte = static_cast<int>(8 * (i % 4));
    const Ints low = load_ints(words + i / 4 % 2 * 4 * Vec::kLanes),
               high = load_ints(words + 8 * Vec::kLanes);
    return mul(load_f16(p + 108 * Vec::kLanes),
               six_bit_scale(shift_and(low, byte + 4 * static_cast<int>(i / 8), 15),
                             shift_and(high, byte + 2 * static_cast<int>(i / 4), 3)));
  }
  static Bytes codes(const std::byte* p, size_t quad) {
    const Bytes high = load_bytes(p + 4 * (quad % 8) * Vec::kLanes);
    return either(packed_pairs(p + 32 * Vec::kLanes, quad), bits_at(high, static_cast<int>(quad / 8) - 2, 4));
  }
};

struct PackedTQ2_0 {
  static constexpr size_t kElems = 256, kBytes = 66 * Vec::kLanes, kScaleElems = 32;
  static constexpr bool kSigned = false, kHasMin = false;
  static constexpr int32_t kZero = 1, kMaxCode = 3;
  static Vec d(const std::byte* p, size_t) { return load_f16(p + 64 * Vec::kLanes); }
  static Bytes codes(const std::byte* p, size_t quad) { return packed_pairs(p, quad); }
};

// Codes that stand for an entry of a table (formats/codebook.h). Where signed codes have no dot product of
// their own, the table holds them plus 128.
struct CodeTable {
  int8_t at[16];
};
constexpr CodeTable code_table(const int8_t (&values)[16], int plus) {
  CodeTable table{};
  for (size_t i = 0; i < 16; ++i) {
    const int value = values[i] + plus;
    table.at[i] = static_cast<int8_t>(value > 127 ? value - 256 : value);
  }
  return table;
}
constexpr CodeTable kIq4Table = code_table(codec::kIq4Values, kSignedDot ? 0 : 128);
constexpr CodeTable kFp4Table = code_table(codec::kFp4Values, 12);

struct PackedIQ4_NL : PackedNibbles<2> {
  static constexpr int32_t kZero = 128;
  static constexpr bool kSigned = kSignedDot, kHasMin = false;
  static Bytes codes(const std::byte* p, size_t quad) { return lookup(nibbles(p, quad), kIq4Table.at); }
};

struct PackedIQ4_XS {
  static constexpr size_t kElems = 256, kBytes = 136 * Vec::kLanes, kScaleElems = 32;
  static constexpr int32_t kZero = 128;
  static constexpr bool kSigned = kSignedDot, kHasMin = false;
  static Vec d(const std::byte* p, size_t i) {
    const int at = static_cast<int>(i);
    return mul(load_f16(p), six_bit_scale(shift_and(load_ints(p + 4 * Vec::kLanes), 4 * at, 15),
                                          shift_and(load_u16(p + 2 * Vec::kLanes), 2 * at, 3)));
  }
  static Bytes codes(const std::byte* p, size_t quad) {
    const Bytes word = load_bytes(p + (8 + 4 * (quad / 8 * 4 + quad % 4)) * Vec::kLanes);
    return lookup(quad / 4 % 2 == 0 ? low_nibbles(word) : high_nibbles(word), kIq4Table.at);
  }
};

struct PackedMXFP4 : PackedNibbles<1> {
  static constexpr int32_t kZero = 12, kMaxCode = 24;
  static constexpr bool kHasMin = false;
  static Vec d(const std::byte* p, size_t) { return half_of_power(load_u8(p)); }
  static Bytes codes(const std::byte* p, size_t quad) { return lookup(nibbles(p, quad), kFp4Table.at); }
};
