// Small parts shared by the codecs. They follow the arithmetic of the gguf package (numpy on IEEE floats, one
// rounding per operation), including what it does with NaN and infinity. Written as branch-free loops over 32
// values, so that compilers vectorize them for any instruction set.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hone::codec {

static_assert(std::endian::native == std::endian::little);

inline constexpr size_t kBlock = 32;
inline constexpr uint32_t kMagnitude = 0x7fffffffu;
inline constexpr uint32_t kInfinity = 0x7f800000u;
inline constexpr uint32_t kQuietNan = 0x7fc00000u;

inline uint32_t bits_of(float x) noexcept {
  return std::bit_cast<uint32_t>(x);
}
inline float float_of(uint32_t bits) noexcept {
  return std::bit_cast<float>(bits);
}

// As base/half.h, but branch-free, and a NaN keeps its upper payload bits as numpy does.
inline uint16_t to_f16(float value) noexcept {
  const uint32_t bits = bits_of(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & kMagnitude;
  const uint32_t normal = (magnitude + 0xc8000fffu + ((magnitude >> 13) & 1u)) >> 13;
  // Adding 0.5 puts the last place of a subnormal result at bit 0; the FPU rounds to even.
  const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t payload = 0x7c00u + ((magnitude >> 13) & 0x3ffu);
  const uint32_t nan = payload == 0x7c00u ? 0x7c01u : payload;
  uint32_t out = magnitude < 0x38800000u ? subnormal : normal;
  out = magnitude >= 0x477ff000u ? 0x7c00u : out;
  out = magnitude > kInfinity ? nan : out;
  return static_cast<uint16_t>(sign | out);
}

inline float from_f16(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t shifted = magnitude << 13;
  const uint32_t normal = shifted + (112u << 23);
  // The value is magnitude * 2^-24, exact in f32.
  const uint32_t subnormal = bits_of(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  uint32_t out = magnitude < 0x0400u ? subnormal : normal;
  out = magnitude >= 0x7c00u ? (kInfinity | shifted) : out;
  return float_of(sign | out);
}

// max |x| as bits; above kInfinity when any x is NaN.
inline uint32_t max_magnitude(const float* x) noexcept {
  int32_t most = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const int32_t magnitude = static_cast<int32_t>(bits_of(x[i]) & kMagnitude);
    most = magnitude > most ? magnitude : most;
  }
  return static_cast<uint32_t>(most);
}

// The first value of largest magnitude, sign kept; the first NaN when there is one.
inline float first_extreme(const float* x) noexcept {
  const uint32_t most = max_magnitude(x);
  const uint32_t wanted = most > kInfinity ? kInfinity + 1 : most;
  const bool any_nan = most > kInfinity;
  for (size_t i = 0; i < kBlock; ++i) {
    const uint32_t magnitude = bits_of(x[i]) & kMagnitude;
    if (any_nan ? magnitude >= wanted : magnitude == wanted) return x[i];
  }
  return 0.0f;
}

struct Range {
  float min;
  float max;
};

// Both NaN when any x is NaN. Among zeros of both signs the last one counts, as in numpy's scalar loop (its
// vector loops differ from machine to machine; only the sign of a zero minimum is concerned).
inline Range range_of(const float* x) noexcept {
  int32_t low = INT32_MAX;
  int32_t high = INT32_MIN;
  for (size_t i = 0; i < kBlock; ++i) {
    const int32_t bits = static_cast<int32_t>(bits_of(x[i]));
    const int32_t key = bits ^ ((bits >> 31) & INT32_MAX);  // same order as the floats, -0 just below +0
    low = key < low ? key : low;
    high = key > high ? key : high;
  }
  if (max_magnitude(x) > kInfinity) return {float_of(kQuietNan), float_of(kQuietNan)};
  const auto value = [x](int32_t key) {
    const float v = float_of(static_cast<uint32_t>(key ^ ((key >> 31) & INT32_MAX)));
    if (v != 0.0f) return v;
    for (size_t i = kBlock; i-- > 0;)
      if (x[i] == 0.0f) return x[i];
    return v;
  };
  return {value(low), value(high)};
}

inline float inverse_or_zero(float d) noexcept {
  return d == 0.0f ? 0.0f : 1.0f / d;
}

// Codes of v = (x - offset) * inverse + bias, truncated and capped; NaN and infinity give 0.
inline void affine_codes(const float* x, float offset, float inverse, float bias, int32_t cap,
                         uint8_t* codes) noexcept {
  for (size_t i = 0; i < kBlock; ++i) {
    const float v = (x[i] - offset) * inverse + bias;
    // A mask instead of a branch lets this vectorize, and keeps the conversion below defined.
    const uint32_t keep = -static_cast<uint32_t>(v >= 0.0f) & -static_cast<uint32_t>(v < 256.0f);
    const int32_t q = static_cast<int32_t>(float_of(bits_of(v) & keep));
    codes[i] = static_cast<uint8_t>(q > cap ? cap : q);
  }
}

// Low nibbles hold elements 0-15, high nibbles 16-31.
inline void pack_nibbles(const uint8_t* codes, uint8_t* qs) noexcept {
  for (size_t i = 0; i < kBlock / 2; ++i)
    qs[i] = static_cast<uint8_t>((codes[i] & 0x0fu) | (codes[i + kBlock / 2] << 4));
}

// Bit i of the result is bit 4 of code i.
inline uint32_t pack_fifth_bits(const uint8_t* codes) noexcept {
  uint32_t high = 0;
  for (size_t i = 0; i < kBlock; ++i) high |= static_cast<uint32_t>((codes[i] >> 4) & 1u) << i;
  return high;
}

inline void unpack_nibbles(const uint8_t* qs, uint8_t* codes) noexcept {
  for (size_t i = 0; i < kBlock / 2; ++i) {
    codes[i] = static_cast<uint8_t>(qs[i] & 0x0fu);
    codes[i + kBlock / 2] = static_cast<uint8_t>(qs[i] >> 4);
  }
}

inline void add_fifth_bits(uint32_t high, uint8_t* codes) noexcept {
  for (size_t i = 0; i < kBlock; ++i) codes[i] = static_cast<uint8_t>(codes[i] | (((high >> i) & 1u) << 4));
}

// Runs one block function over a row; Block is copied in and out, so rows need no alignment.
template <typename Block, void (*decode)(const Block&, float*) noexcept, size_t kElements = kBlock>
void decode_row(const std::byte* src, float* dst, size_t n) noexcept {
  for (size_t i = 0; i < n / kElements; ++i) {
    Block block;
    std::memcpy(&block, src + i * sizeof(Block), sizeof(Block));
    decode(block, dst + i * kElements);
  }
}

template <typename Block, void (*encode)(const float*, Block&) noexcept>
void encode_row(const float* src, std::byte* dst, size_t n) noexcept {
  for (size_t i = 0; i < n / kBlock; ++i) {
    Block block;
    encode(src + i * kBlock, block);
    std::memcpy(dst + i * sizeof(Block), &block, sizeof(Block));
  }
}

}  // namespace hone::codec
