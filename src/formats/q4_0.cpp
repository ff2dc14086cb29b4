// Q4_0: 4.5 bits per weight. x = d * (q - 8), q in [0, 15]. d = e / -8 stored as f16, where e is the first
// value of largest magnitude with its sign, so that e itself gets code 0 (codes are computed with the
// unrounded d).
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ4_0 {
  uint16_t d;                     // f16 scale
  uint8_t qs[codec::kBlock / 2];  // low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockQ4_0) == 18);

void decode(const BlockQ4_0& block, float* x) noexcept {
  uint8_t codes[codec::kBlock];
  codec::unpack_nibbles(block.qs, codes);
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < codec::kBlock; ++i) x[i] = d * static_cast<float>(codes[i] - 8);
}

void encode(const float* x, BlockQ4_0& block) noexcept {
  const float d = codec::first_extreme(x) / -8.0f;
  uint8_t codes[codec::kBlock];
  codec::affine_codes(x, 0.0f, codec::inverse_or_zero(d), 8.5f, 15, codes);
  block.d = codec::to_f16(d);
  codec::pack_nibbles(codes, block.qs);
}

void pack(const codec::SmallCodes& codes, BlockQ4_0& block) noexcept {
  block.d = codes.d;
  codec::pack_nibbles(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatQ4_0 = {
    .name = "q4_0",
    .id = FormatId::kQ4_0,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockQ4_0),
    .quantized = true,
    .file_type = 2,
    .max_relative_rmse = 0.11,
    .to_float = codec::decode_row<BlockQ4_0, decode>,
    .from_float = codec::encode_row<BlockQ4_0, encode>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ4_0, codec::SmallCodes, &codec::Searches::q4_0, pack, codec::kSmall>,
};

}  // namespace hone
