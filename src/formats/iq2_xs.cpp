// IQ2_XS: 2.3125 bits per weight. Sixteen sub-blocks of 16: x = (d * (scale + 1/2) / 4) * sign * point, scale
// in [0, 15]; nine bits name a point of 8 coordinates of {8, 25, 43}, seven their signs. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ2_XS {
  uint16_t d;
  uint16_t qs[32];    // point in the low 9 bits, signs in the high 7
  uint8_t scales[8];  // low nibble first
};
static_assert(sizeof(BlockIQ2_XS) == 74);

void decode(const BlockIQ2_XS& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < 32; ++i, x += 8) {
    const int stored = (block.scales[i / 4] >> (i / 2 % 2 * 4)) & 15;
    const float scale = d * (0.5f + static_cast<float>(stored)) * 0.25f;
    const uint16_t q = block.qs[i];
    codec::decode_point(scale, codec::grid_iq2_xs()[q & 511u], codec::eight_signs(q >> 9u), x);
  }
}

}  // namespace

constexpr Format kFormatIQ2_XS = {
    .name = "iq2_xs",
    .id = FormatId::kIQ2_XS,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ2_XS),
    .quantized = true,
    .file_type = 20,
    .to_float = codec::decode_row<BlockIQ2_XS, decode, codec::kSuper>,
};

}  // namespace hone
