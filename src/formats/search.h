// Choosing codes where a format leaves a choice. In the formats of 256 weights a sub-block of 16 or 32 has
// one scale (and, in the affine formats, one minimum), itself stored as a small integer times a float of the
// whole block; in the smaller ones the scale is a float. Many choices are possible and their errors differ.
// The search makes sum w (x - x')^2 small, where w is 1 or the caller's importance.
//
// Compiled once per instruction set. No sum crosses the lanes of a register and no product is fused, so every
// instruction set chooses the same codes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/isa.h"

namespace hone::codec {

inline constexpr size_t kSuper = 256;  // weights per block
inline constexpr size_t kMaxSubs = 16;
inline constexpr size_t kSmall = 32;  // of the smaller blocks

// What the search chose, not yet packed. x ~ d * scales[s] * codes[i] - dmin * minimums[s].
struct AffineCodes {
  uint16_t d, dmin;  // f16
  uint8_t scales[kMaxSubs], minimums[kMaxSubs];
  uint8_t codes[kSuper];
};
// x ~ d * scales[s] * value(codes[i]); value(q) is q - 2^(bits - 1) or a codebook's
struct SymmetricCodes {
  uint16_t d;  // f16
  int8_t scales[kMaxSubs];
  uint8_t codes[kSuper];
};
// x ~ d * value(codes[i]) + m
struct SmallCodes {
  uint16_t d, m;  // f16; mxfp4: d is its exponent
  uint8_t codes[kSmall];
};

// All take a block's values and their weights, or nullptr for equal ones.
using AffineSearch = void (*)(const float* x, const float* w, AffineCodes& out) noexcept;
using SymmetricSearch = void (*)(const float* x, const float* w, SymmetricCodes& out) noexcept;
using SmallSearch = void (*)(const float* x, const float* w, SmallCodes& out) noexcept;

struct Searches {
  AffineSearch q2_k, q4_k, q5_k;
  SymmetricSearch q3_k, q6_k, iq4_xs;
  SymmetricSearch ternary;  // codes 0, 1, 2; no scales
  SymmetricSearch nvfp4;    // 64 values; scales are its own codes, no d
  SmallSearch q4_0, q5_0, q4_1, q5_1, iq4_nl, mxfp4;
};

// nullptr when the ISA has none of its own.
const Searches* searches_for(Isa isa) noexcept;
// Those of the active ISA.
const Searches& searches() noexcept;

// For the ISA files, which must not instantiate inline functions of other headers.
uint16_t half_of(float value) noexcept;
float float_of_half(uint16_t half) noexcept;

}  // namespace hone::codec
