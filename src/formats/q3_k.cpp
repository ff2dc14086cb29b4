// Q3_K: 3.4375 bits per weight. Sixteen sub-blocks of 16: x = (d * scale) * (q - 4), q in [0, 7], scale in
// [-32, 31].
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ3_K {
  uint8_t hmask[32];              // bit p of byte i: bit 2 of code 32 p + i
  uint8_t qs[codec::kSuper / 4];  // low 2 bits, codec::pack_pairs
  uint8_t scales[12];             // plus 32: low 4 bits in bytes 0-7 (scale i, i + 8), high 2 in bytes 8-11
  uint16_t d;                     // f16, times the scales
};
static_assert(sizeof(BlockQ3_K) == 110);

void pack_scales(const int8_t* scales, uint8_t* packed) noexcept {
  std::memset(packed + 8, 0, 4);
  for (size_t i = 0; i < 8; ++i) {
    const unsigned low = static_cast<unsigned>(scales[i] + 32),
                   high = static_cast<unsigned>(scales[i + 8] + 32);
    packed[i] = static_cast<uint8_t>((low & 15) | ((high & 15) << 4));
    const size_t row = i / 4;  // scales i, i + 4, i + 8 and i + 12 share a byte
    packed[8 + i % 4] =
        static_cast<uint8_t>(packed[8 + i % 4] | ((low >> 4) << (2 * row)) | ((high >> 4) << (2 * row + 4)));
  }
}

void decode(const BlockQ3_K& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  float scales[16];
  for (size_t s = 0; s < 16; ++s) {
    const int low = (block.scales[s % 8] >> (s < 8 ? 0 : 4)) & 15;
    const int high = (block.scales[8 + s % 4] >> (2 * (s / 4))) & 3;
    scales[s] = d * static_cast<float>((low | (high << 4)) - 32);
  }
  for (size_t part = 0; part < 8; ++part) {  // 32 codes each
    const uint8_t* const qs = block.qs + 32 * (part / 4);
    const int shift = static_cast<int>(2 * (part % 4));
    for (size_t i = 0; i < 32; ++i) {
      const int q = ((qs[i] >> shift) & 3) | (((block.hmask[i] >> part) & 1) << 2);
      x[32 * part + i] = scales[2 * part + i / 16] * static_cast<float>(q - 4);
    }
  }
}

void pack(const codec::SymmetricCodes& codes, BlockQ3_K& block) noexcept {
  block.d = codes.d;
  pack_scales(codes.scales, block.scales);
  codec::pack_pairs(codes.codes, block.qs);
  std::memset(block.hmask, 0, sizeof block.hmask);
  for (size_t part = 0; part < 8; ++part)
    for (size_t i = 0; i < 32; ++i)
      block.hmask[i] = static_cast<uint8_t>(block.hmask[i] | ((codes.codes[32 * part + i] >> 2) << part));
}

}  // namespace

constexpr Format kFormatQ3_K = {
    .name = "q3_k",
    .id = FormatId::kQ3_K,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockQ3_K),
    .quantized = true,
    .file_type = 11,
    .max_relative_rmse = 0.145,
    .to_float = codec::decode_row<BlockQ3_K, decode, codec::kSuper>,
    .from_float = codec::encode_searched_row<BlockQ3_K, codec::SymmetricCodes, &codec::Searches::q3_k, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ3_K, codec::SymmetricCodes, &codec::Searches::q3_k, pack>,
};

}  // namespace hone
