// MXFP4 of the OCP microscaling formats: 4.25 bits per weight. x = 2^(e - 127) * e2m1(q): a sign, 2 bits of
// exponent, 1 of mantissa. The values in codebook.h are doubled, so the scale here is halved.
#include "formats/codebook.h"
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockMXFP4 {
  uint8_t e;
  uint8_t qs[codec::kBlock / 2];  // low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockMXFP4) == 17);

void decode(const BlockMXFP4& block, float* x) noexcept {
  const uint32_t e = block.e;
  const float d = codec::float_of(e < 2 ? 0x00200000u << e : (e - 1) << 23);
  codec::decode_nibbles<32>(d, codec::kFp4Values, block.qs, x);
}

void pack(const codec::SmallCodes& codes, BlockMXFP4& block) noexcept {
  block.e = static_cast<uint8_t>(codes.d);
  codec::pack_nibbles(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatMXFP4 = {
    .name = "mxfp4",
    .id = FormatId::kMXFP4,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockMXFP4),
    .quantized = true,
    .file_type = 38,
    .max_relative_rmse = 0.113,
    .to_float = codec::decode_row<BlockMXFP4, decode>,
    .from_float = codec::encode_searched_row<BlockMXFP4, codec::SmallCodes, &codec::Searches::mxfp4, pack,
                                             codec::kSmall>,
    .from_float_weighted = codec::encode_searched_row<BlockMXFP4, codec::SmallCodes, &codec::Searches::mxfp4,
                                                      pack, codec::kSmall>,
};

}  // namespace hone
