// Four rows in plain arrays: the oracle of what the vector headers mean. Included only by scalar/*.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

namespace hone::scalar {

struct Vec {
  static constexpr size_t kLanes = 4;
  float v[kLanes];
};
struct Ints {
  int32_t v[Vec::kLanes];
};
struct Bytes {
  uint8_t v[4 * Vec::kLanes];
};
// Nothing multiplies pairs of bf16: declared only.
static constexpr bool kBf16Pairs = false;
template <typename V>
void store_bf16_pairs(uint32_t* y, V even, V odd);
static constexpr bool kSignedDot = true, kPairSums = false;
static constexpr size_t kInt8Rows = 4, kInt8Vecs = 1;

template <typename Result, typename Of>
static inline Result each(Of of) {
  Result y;
  for (size_t i = 0; i < sizeof y.v / sizeof y.v[0]; ++i) y.v[i] = of(i);
  return y;
}

static inline Vec load(const float* p) {
  return each<Vec>([&](size_t i) { return p[i]; });
}
static inline void store(float* p, Vec a) {
  std::memcpy(p, a.v, sizeof a.v);
}
static inline Vec broadcast(float x) {
  return each<Vec>([&](size_t) { return x; });
}
static inline Vec fma(Vec a, Vec b, Vec c) {
  return each<Vec>([&](size_t i) { return a.v[i] * b.v[i] + c.v[i]; });
}
static inline Vec add(Vec a, Vec b) {
  return each<Vec>([&](size_t i) { return a.v[i] + b.v[i]; });
}
static inline Vec sub(Vec a, Vec b) {
  return each<Vec>([&](size_t i) { return a.v[i] - b.v[i]; });
}
static inline Vec mul(Vec a, Vec b) {
  return each<Vec>([&](size_t i) { return a.v[i] * b.v[i]; });
}
static inline Vec div(Vec a, Vec b) {
  return each<Vec>([&](size_t i) { return a.v[i] / b.v[i]; });
}
static inline Vec vmax(Vec a, Vec b) {
  return each<Vec>([&](size_t i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
static inline float reduce_max(Vec a) {
  return *std::max_element(a.v, a.v + Vec::kLanes);
}
// Neighbours exchanged: 1 0 3 2 …
static inline Vec swap_pairs(Vec a) {
  return each<Vec>([&](size_t i) { return a.v[i ^ 1]; });
}
static inline Vec load_f16(const std::byte* p) {
  return each<Vec>([&](size_t i) {
    uint16_t half;
    std::memcpy(&half, p + 2 * i, 2);
    return f16_to_f32(half);
  });
}
static inline Vec load_bf16(const std::byte* p) {
  return each<Vec>([&](size_t i) {
    uint16_t half;
    std::memcpy(&half, p + 2 * i, 2);
    return std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  });
}
static inline Ints load_u8(const std::byte* p) {
  return each<Ints>([&](size_t i) { return static_cast<int32_t>(p[i]); });
}
static inline Ints load_u16(const std::byte* p) {
  return each<Ints>([&](size_t i) {
    uint16_t x;
    std::memcpy(&x, p + 2 * i, 2);
    return static_cast<int32_t>(x);
  });
}
// kLanes signed bytes.
static inline Vec load_i8(const std::byte* p) {
  return each<Vec>([&](size_t i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
}
static inline Ints splat(int32_t x) {
  return each<Ints>([&](size_t) { return x; });
}
static inline Vec to_float(Ints a) {
  return each<Vec>([&](size_t i) { return static_cast<float>(a.v[i]); });
}
static inline Ints load_ints(const std::byte* p) {
  Ints y;
  std::memcpy(y.v, p, sizeof y.v);
  return y;
}
static inline Ints shift_and(Ints a, int right, uint32_t mask) {
  return each<Ints>(
      [&](size_t i) { return static_cast<int32_t>((static_cast<uint32_t>(a.v[i]) >> right) & mask); });
}
static inline Bytes load_bytes(const std::byte* p) {
  Bytes y;
  std::memcpy(y.v, p, sizeof y.v);
  return y;
}
static inline void store_bytes(uint8_t* p, Bytes a) {
  std::memcpy(p, a.v, sizeof a.v);
}
static inline Bytes low_nibbles(Bytes a) {
  return each<Bytes>([&](size_t i) { return static_cast<uint8_t>(a.v[i] & 15); });
}
static inline Bytes high_nibbles(Bytes a) {
  return each<Bytes>([&](size_t i) { return static_cast<uint8_t>(a.v[i] >> 4); });
}
static inline Ints either(Ints a, Ints b) {
  return each<Ints>([&](size_t i) { return a.v[i] | b.v[i]; });
}
static inline Bytes either(Bytes a, Bytes b) {
  return each<Bytes>([&](size_t i) { return static_cast<uint8_t>(a.v[i] | b.v[i]); });
}
// Byte i of every int, signed.
static inline Ints signed_byte(Ints a, int i) {
  return each<Ints>([&](size_t lane) {
    return static_cast<int32_t>(static_cast<int8_t>(static_cast<uint32_t>(a.v[lane]) >> (8 * i)));
  });
}
// Every byte's bits moved down by `right` (up when negative), then masked; the mask holds no bit that another
// byte moved into.
static inline Bytes bits_at(Bytes a, int right, uint8_t mask) {
  return each<Bytes>([&](size_t i) {
    return static_cast<uint8_t>((right >= 0 ? a.v[i] >> right : a.v[i] << -right) & mask);
  });
}
// 2^(e - 128), subnormal numbers too.
static inline Vec half_of_power(Ints e) {
  return each<Vec>([&](size_t i) {
    const auto x = static_cast<uint32_t>(e.v[i]);
    const uint32_t bits = x < 2 ? (x + 1) << 21 : (x - 1) << 23;
    float y;
    std::memcpy(&y, &bits, 4);
    return y;
  });
}
// Entry a of the table, a < 16.
static inline Bytes lookup(Bytes a, const int8_t (&table)[16]) {
  return each<Bytes>([&](size_t i) { return static_cast<uint8_t>(table[a.v[i]]); });
}
static inline Bytes flip_sign(Bytes a) {
  return each<Bytes>([&](size_t i) { return static_cast<uint8_t>(a.v[i] ^ 128); });
}
// sums + the dot products of four unsigned codes with the four signed bytes at a.
static inline Ints dot4(Ints sums, Bytes codes, const int8_t* a) {
  for (size_t i = 0; i < sizeof codes.v; ++i) sums.v[i / 4] += codes.v[i] * a[i % 4];
  return sums;
}
// The same for signed codes.
static inline Ints dot4_signed(Ints sums, Bytes codes, const int8_t* a) {
  for (size_t i = 0; i < sizeof codes.v; ++i) sums.v[i / 4] += static_cast<int8_t>(codes.v[i]) * a[i % 4];
  return sums;
}
// Larger of `largest`, which is not negative, and |a|; a NaN is larger than any number.
static inline Vec larger_size(Vec largest, Vec a) {
  return each<Vec>([&](size_t i) {
    const float size = std::fabs(a.v[i]);
    return largest.v[i] >= size || std::isnan(largest.v[i]) ? largest.v[i] : size;
  });
}
// The lowest byte of the bits of every a, b, c and d, in this order.
static inline Bytes lowest_bytes(Vec a, Vec b, Vec c, Vec d) {
  const Vec* four[4] = {&a, &b, &c, &d};
  return each<Bytes>(
      [&](size_t i) { return static_cast<uint8_t>(std::bit_cast<uint32_t>(four[i % 4]->v[i / 4])); });
}
// Byte i of every group of four, as an unsigned number.
static inline Vec byte_of(Bytes a, int i) {
  return each<Vec>([&](size_t lane) { return static_cast<float>(a.v[4 * lane + static_cast<size_t>(i)]); });
}

}  // namespace hone::scalar
