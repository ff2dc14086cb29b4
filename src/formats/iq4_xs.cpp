// IQ4_XS: 4.25 bits per weight. Eight sub-blocks of 32: x = (d * scale) * value(q), scale in [-32, 31], q in
// [0, 15]; the values are iq4_nl's.
#include "formats/codebook.h"
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

// Scales are stored plus 32.
struct BlockIQ4_XS {
  uint16_t d;
  uint16_t scales_h;              // two bits each, high ones of the scales
  uint8_t scales_l[4];            // low nibbles of the scales, low nibble first
  uint8_t qs[codec::kSuper / 2];  // 16 bytes a sub-block, low nibble: code i, high nibble: code i + 16
};
static_assert(sizeof(BlockIQ4_XS) == 136);

void decode(const BlockIQ4_XS& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t s = 0; s < 8; ++s) {
    const int low = (block.scales_l[s / 2] >> (s % 2 * 4)) & 15, high = (block.scales_h >> (2 * s)) & 3;
    const float scale = d * static_cast<float>((low | (high << 4)) - 32);
    codec::decode_nibbles<32>(scale, codec::kIq4Values, block.qs + 16 * s, x + 32 * s);
  }
}

void pack(const codec::SymmetricCodes& codes, BlockIQ4_XS& block) noexcept {
  block = {};
  block.d = codes.d;
  for (size_t s = 0; s < 8; ++s) {
    const int stored = codes.scales[s] + 32;
    block.scales_l[s / 2] = static_cast<uint8_t>(block.scales_l[s / 2] | ((stored & 15) << (s % 2 * 4)));
    block.scales_h = static_cast<uint16_t>(block.scales_h | ((stored >> 4) << (2 * s)));
    codec::pack_nibbles(codes.codes + 32 * s, block.qs + 16 * s);
  }
}

}  // namespace

constexpr Format kFormatIQ4_XS = {
    .name = "iq4_xs",
    .id = FormatId::kIQ4_XS,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ4_XS),
    .quantized = true,
    .file_type = 30,
    .max_relative_rmse = 0.076,
    .to_float = codec::decode_row<BlockIQ4_XS, decode, codec::kSuper>,
    .from_float =
        codec::encode_searched_row<BlockIQ4_XS, codec::SymmetricCodes, &codec::Searches::iq4_xs, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockIQ4_XS, codec::SymmetricCodes, &codec::Searches::iq4_xs, pack>,
};

}  // namespace hone
