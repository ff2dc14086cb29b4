// IQ2_S: 2.5625 bits per weight. Sixteen sub-blocks of 16: x = (d * (scale + 1/2) / 4) * sign * point, scale
// in [0, 15]; ten bits name a point of 8 coordinates of {8, 25, 43}, eight their signs. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ2_S {
  uint16_t d;
  uint8_t qs[32];     // low 8 bits of a point's number
  uint8_t signs[32];  // of a point's coordinates
  uint8_t qh[8];      // high 2 bits of four points' numbers
  uint8_t scales[8];  // low nibble first
};
static_assert(sizeof(BlockIQ2_S) == 82);

void decode(const BlockIQ2_S& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < 32; ++i, x += 8) {
    const int stored = (block.scales[i / 4] >> (i / 2 % 2 * 4)) & 15;
    const float scale = d * (0.5f + static_cast<float>(stored)) * 0.25f;
    const size_t high = (block.qh[i / 4] >> (i % 4 * 2)) & 3u;
    codec::decode_point(scale, codec::grid_iq2_s()[block.qs[i] | (high << 8)], block.signs[i], x);
  }
}

}  // namespace

constexpr Format kFormatIQ2_S = {
    .name = "iq2_s",
    .id = FormatId::kIQ2_S,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ2_S),
    .quantized = true,
    .file_type = 28,
    .to_float = codec::decode_row<BlockIQ2_S, decode, codec::kSuper>,
};

}  // namespace hone
