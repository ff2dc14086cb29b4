// IQ1_S: 1.5625 bits per weight. Eight sub-blocks of 32: x = (d * (2 * scale + 1)) * (point + delta), scale
// in [0, 7], delta 1/8 or -1/8; eleven bits name a point of 8 coordinates of {-1, 0, 1}. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ1_S {
  uint16_t d;
  uint8_t qs[32];  // low 8 bits of a point's number
  uint16_t qh[8];  // of a sub-block: high 3 bits of four points' numbers, 3 of scale, 1: delta is negative
};
static_assert(sizeof(BlockIQ1_S) == 50);

void decode(const BlockIQ1_S& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < 32; ++i, x += 8) {
    const uint32_t word = block.qh[i / 4];
    const float scale = d * static_cast<float>(2 * ((word >> 12) & 7u) + 1);
    const float delta = (word >> 15) != 0 ? -0.125f : 0.125f;
    const codec::Point8& point = codec::grid_iq1()[block.qs[i] | (((word >> (i % 4 * 3)) & 7u) << 8)];
    for (size_t k = 0; k < 8; ++k) x[k] = scale * (static_cast<float>(point.at[k]) + delta);
  }
}

}  // namespace

constexpr Format kFormatIQ1_S = {
    .name = "iq1_s",
    .id = FormatId::kIQ1_S,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ1_S),
    .quantized = true,
    .file_type = 24,
    .to_float = codec::decode_row<BlockIQ1_S, decode, codec::kSuper>,
};

}  // namespace hone
