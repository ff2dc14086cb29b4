// IQ3_S: 3.4375 bits per weight. Eight sub-blocks of 32: x = (d * (2 * scale + 1)) * sign * point, scale in
// [0, 15]; nine bits name a point of 4 coordinates of {1, 3, ... 15}, four their signs. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ3_S {
  uint16_t d;
  uint8_t qs[64];     // low 8 bits of a point's number
  uint8_t qh[8];      // bit 8 of eight points' numbers
  uint8_t signs[32];  // of two points' coordinates
  uint8_t scales[4];  // low nibble first
};
static_assert(sizeof(BlockIQ3_S) == 110);

void decode(const BlockIQ3_S& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < 64; ++i, x += 4) {
    const int stored = (block.scales[i / 16] >> (i / 8 % 2 * 4)) & 15;
    const float scale = d * static_cast<float>(2 * stored + 1);
    const size_t high = (block.qh[i / 8] >> (i % 8)) & 1u;
    codec::decode_point(scale, codec::grid_iq3_s()[block.qs[i] | (high << 8)],
                        static_cast<uint32_t>(block.signs[i / 2]) >> (i % 2 * 4), x);
  }
}

}  // namespace

constexpr Format kFormatIQ3_S = {
    .name = "iq3_s",
    .id = FormatId::kIQ3_S,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ3_S),
    .quantized = true,
    .file_type = 26,
    .to_float = codec::decode_row<BlockIQ3_S, decode, codec::kSuper>,
};

}  // namespace hone
