// IQ4_NL: 4.5 bits per weight. x = d * value(q), q in [0, 15]; the values (codebook.h) are denser around
// zero. d has either sign.
#include "formats/codebook.h"
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockIQ4_NL {
  uint16_t d;                     // f16 scale
  uint8_t qs[codec::kBlock / 2];  // low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockIQ4_NL) == 18);

void decode(const BlockIQ4_NL& block, float* x) noexcept {
  codec::decode_nibbles<32>(codec::from_f16(block.d), codec::kIq4Values, block.qs, x);
}

void pack(const codec::SmallCodes& codes, BlockIQ4_NL& block) noexcept {
  block.d = codes.d;
  codec::pack_nibbles(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatIQ4_NL = {
    .name = "iq4_nl",
    .id = FormatId::kIQ4_NL,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockIQ4_NL),
    .quantized = true,
    .file_type = 25,
    .max_relative_rmse = 0.075,
    .to_float = codec::decode_row<BlockIQ4_NL, decode>,
    .from_float = codec::encode_searched_row<BlockIQ4_NL, codec::SmallCodes, &codec::Searches::iq4_nl, pack,
                                             codec::kSmall>,
    .from_float_weighted = codec::encode_searched_row<BlockIQ4_NL, codec::SmallCodes,
                                                      &codec::Searches::iq4_nl, pack, codec::kSmall>,
};

}  // namespace hone
