// Q5_1: 6 bits per weight. x = d * q + m, q in [0, 31]. m = min x and d = (max x - min x) / 31, stored as f16
// (codes are computed with the unrounded values).
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ5_1 {
  uint16_t d;                     // f16 scale
  uint16_t m;                     // f16 minimum
  uint8_t qh[4];                  // bit i of the little-endian word is bit 4 of code i
  uint8_t qs[codec::kBlock / 2];  // low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockQ5_1) == 24);

void decode(const BlockQ5_1& block, float* x) noexcept {
  uint8_t codes[codec::kBlock];
  codec::unpack_nibbles(block.qs, codes);
  uint32_t high;
  std::memcpy(&high, block.qh, sizeof(high));
  codec::add_fifth_bits(high, codes);
  const float d = codec::from_f16(block.d);
  const float m = codec::from_f16(block.m);
  for (size_t i = 0; i < codec::kBlock; ++i) x[i] = d * static_cast<float>(codes[i]) + m;
}

void encode(const float* x, BlockQ5_1& block) noexcept {
  const codec::Range range = codec::range_of(x);
  const float d = (range.max - range.min) / 31.0f;
  uint8_t codes[codec::kBlock];
  codec::affine_codes(x, range.min, codec::inverse_or_zero(d), 0.5f, 31, codes);
  block.d = codec::to_f16(d);
  block.m = codec::to_f16(range.min);
  const uint32_t high = codec::pack_fifth_bits(codes);
  std::memcpy(block.qh, &high, sizeof(high));
  codec::pack_nibbles(codes, block.qs);
}

void pack(const codec::SmallCodes& codes, BlockQ5_1& block) noexcept {
  block.d = codes.d;
  block.m = codes.m;
  const uint32_t high = codec::pack_fifth_bits(codes.codes);
  std::memcpy(block.qh, &high, sizeof(high));
  codec::pack_nibbles(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatQ5_1 = {
    .name = "q5_1",
    .id = FormatId::kQ5_1,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockQ5_1),
    .quantized = true,
    .file_type = 9,
    .max_relative_rmse = 0.045,
    .to_float = codec::decode_row<BlockQ5_1, decode>,
    .from_float = codec::encode_row<BlockQ5_1, encode>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ5_1, codec::SmallCodes, &codec::Searches::q5_1, pack, codec::kSmall>,
};

}  // namespace hone
