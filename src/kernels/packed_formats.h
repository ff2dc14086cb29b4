// How each format's interleaved blocks turn into codes and scales, a vector of rows at a time. A struct says:
//   kElems, kBytes   elements of a block, bytes of a group's block
//   kScaleElems      elements that share a scale
//   kZero            what is subtracted from every (unsigned) code; kSigned: codes are stored signed instead
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
};

struct PackedQ4_0 : PackedNibbles<2> {
  static constexpr int32_t kZero = 8;
  static constexpr bool kHasMin = false;
  static Bytes codes(const std::byte* p, size_t quad) { return nibbles(p, quad); }
};

struct PackedQ4_1 : PackedNibbles<4> {
  static constexpr int32_t kZero = 0;
  static constexpr bool kHasMin = true;
  static Vec min(const std::byte* p, size_t) { return load_f16(p + 2 * Vec::kLanes); }
  static Bytes codes(const std::byte* p, size_t quad) { return nibbles(p, quad); }
};

struct PackedQ5_0 : PackedNibbles<6> {
  static constexpr int32_t kZero = 16;
  static constexpr bool kHasMin = false;
  static Bytes codes(const std::byte* p, size_t quad) {
    return add_where(nibbles(p, quad), p + 2 * Vec::kLanes + quad * Vec::kLanes / 2, 16);
  }
};

struct PackedQ5_1 : PackedNibbles<8> {
  static constexpr int32_t kZero = 0;
  static constexpr bool kHasMin = true;
  static Vec min(const std::byte* p, size_t) { return load_f16(p + 2 * Vec::kLanes); }
  static Bytes codes(const std::byte* p, size_t quad) {
    return add_where(nibbles(p, quad), p + 4 * Vec::kLanes + quad * Vec::kLanes / 2, 16);
  }
};

struct PackedQ8_0 {
  static constexpr size_t kElems = 32, kBytes = 34 * Vec::kLanes, kScaleElems = 32;
  static constexpr bool kSigned = true, kHasMin = false;
  static constexpr int32_t kZero = 128;
  static Vec d(const std::byte* p, size_t) { return load_f16(p); }
  static Bytes codes(const std::byte* p, size_t quad) { return load_bytes(p + (2 + 4 * quad) * Vec::kLanes); }
};
