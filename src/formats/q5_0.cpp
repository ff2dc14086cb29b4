// Q5_0: 5.5 bits per weight. x = d * (q - 16), q in [0, 31]. d = e / -16 stored as f16, where e is the first
// value of largest magnitude with its sign, so that e itself gets code 0 (codes are computed with the
// unrounded d).
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ5_0 {
  uint16_t d;                     // f16 scale
  uint8_t qh[4];                  // bit i of the little-endian word is bit 4 of code i
  uint8_t qs[codec::kBlock / 2];  // low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockQ5_0) == 22);

void decode(const BlockQ5_0& block, float* x) noexcept {
  uint8_t codes[codec::kBlock];
  codec::unpack_nibbles(block.qs, codes);
  uint32_t high;
  std::memcpy(&high, block.qh, sizeof(high));
  codec::add_fifth_bits(high, codes);
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < codec::kBlock; ++i) x[i] = d * static_cast<float>(codes[i] - 16);
}

void encode(const float* x, BlockQ5_0& block) noexcept {
  const float d = codec::first_extreme(x) / -16.0f;
  uint8_t codes[codec::kBlock];
  codec::affine_codes(x, 0.0f, codec::inverse_or_zero(d), 16.5f, 31, codes);
  block.d = codec::to_f16(d);
  const uint32_t high = codec::pack_fifth_bits(codes);
  std::memcpy(block.qh, &high, sizeof(high));
  codec::pack_nibbles(codes, block.qs);
}

void pack(const codec::SmallCodes& codes, BlockQ5_0& block) noexcept {
  block.d = codes.d;
  const uint32_t high = codec::pack_fifth_bits(codes.codes);
  std::memcpy(block.qh, &high, sizeof(high));
  codec::pack_nibbles(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatQ5_0 = {
    .name = "q5_0",
    .id = FormatId::kQ5_0,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockQ5_0),
    .quantized = true,
    .file_type = 8,
    .max_relative_rmse = 0.05,
    .to_float = codec::decode_row<BlockQ5_0, decode>,
    .from_float = codec::encode_row<BlockQ5_0, encode>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ5_0, codec::SmallCodes, &codec::Searches::q5_0, pack, codec::kSmall>,
};

}  // namespace hone
