// What the formats whose codes are searched for share besides the search: rows, and the packed scales of q4_k
// and q5_k.
#pragma once

#include "formats/codec.h"
#include "formats/search.h"

namespace hone::codec {

// Codes: AffineCodes, SymmetricCodes or SmallCodes. `search` names the member of Searches.
template <typename Block, typename Codes, auto search, void (*pack)(const Codes&, Block&) noexcept,
          size_t kElements = kSuper>
void encode_searched_row(const float* src, const float* weights, std::byte* dst, size_t n) noexcept {
  const auto choose = searches().*search;
  for (size_t i = 0; i < n / kElements; ++i) {
    Codes codes;
    choose(src + i * kElements, weights == nullptr ? nullptr : weights + i * kElements, codes);
    Block block;
    pack(codes, block);
    std::memcpy(dst + i * sizeof(Block), &block, sizeof(Block));
  }
}

template <typename Block, typename Codes, auto search, void (*pack)(const Codes&, Block&) noexcept,
          size_t kElements = kSuper>
void encode_searched_row(const float* src, std::byte* dst, size_t n) noexcept {
  encode_searched_row<Block, Codes, search, pack, kElements>(src, nullptr, dst, n);
}

// Eight scales and eight minimums of 6 bits in 12 bytes. The first four of each are the low 6 bits of bytes
// 0-3 and 4-7; of the last four, bytes 8-11 hold the low 4 bits (scale in the low nibble) and the top 2 bits
// of bytes 0-3 and 4-7 the rest.
inline void pack_scales(const uint8_t* scales, const uint8_t* minimums, uint8_t* packed) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(scales[i] | ((scales[i + 4] >> 4) << 6));
    packed[i + 4] = static_cast<uint8_t>(minimums[i] | ((minimums[i + 4] >> 4) << 6));
    packed[i + 8] = static_cast<uint8_t>((scales[i + 4] & 0x0f) | ((minimums[i + 4] & 0x0f) << 4));
  }
}

inline void unpack_scales(const uint8_t* packed, uint8_t* scales, uint8_t* minimums) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 0x3f;
    minimums[i] = packed[i + 4] & 0x3f;
    scales[i + 4] = static_cast<uint8_t>((packed[i + 8] & 0x0f) | ((packed[i] >> 6) << 4));
    minimums[i + 4] = static_cast<uint8_t>((packed[i + 8] >> 4) | ((packed[i + 4] >> 6) << 4));
  }
}

// The low 2 bits of 256 codes in 64 bytes, 32 for each half of 128: byte i has codes i, i + 32, i + 64 and i
// + 96, the first in bits 0-1.
inline void pack_pairs(const uint8_t* codes, uint8_t* packed) noexcept {
  for (size_t half = 0; half < 2; ++half, codes += 128, packed += 32)
    for (size_t i = 0; i < 32; ++i)
      packed[i] = static_cast<uint8_t>((codes[i] & 3) | ((codes[i + 32] & 3) << 2) |
                                       ((codes[i + 64] & 3) << 4) | ((codes[i + 96] & 3) << 6));
}

}  // namespace hone::codec
