// IQ1_M: 1.75 bits per weight. Sixteen sub-blocks of 16: x = (d * (2 * scale + 1)) * (point + delta), scale
// in [0, 7], delta 1/8 or -1/8 for every 8; eleven bits name a point of 8 coordinates of {-1, 0, 1}. Only
// read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ1_M {
  uint8_t qs[32];      // low 8 bits of a point's number
  uint8_t qh[16];      // nibbles, low first: high 3 bits of a point's number, 1: delta is negative
  uint16_t scales[4];  // four of 3 bits; the high nibbles together are d, lowest first
};
static_assert(sizeof(BlockIQ1_M) == 56);

void decode(const BlockIQ1_M& block, float* x) noexcept {
  uint32_t half = 0;
  for (size_t i = 0; i < 4; ++i) half |= static_cast<uint32_t>(block.scales[i] >> 12) << (4 * i);
  const float d = codec::from_f16(static_cast<uint16_t>(half));
  for (size_t i = 0; i < 32; ++i, x += 8) {
    const int stored = (block.scales[i / 8] >> (i / 2 % 4 * 3)) & 7;
    const float scale = d * static_cast<float>(2 * stored + 1);
    const uint32_t high = static_cast<uint32_t>(block.qh[i / 2]) >> (i % 2 * 4);
    const float delta = (high & 8u) != 0 ? -0.125f : 0.125f;
    const codec::Point8& point = codec::grid_iq1()[block.qs[i] | ((high & 7u) << 8)];
    for (size_t k = 0; k < 8; ++k) x[k] = scale * (static_cast<float>(point.at[k]) + delta);
  }
}

}  // namespace

constexpr Format kFormatIQ1_M = {
    .name = "iq1_m",
    .id = FormatId::kIQ1_M,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ1_M),
    .quantized = true,
    .file_type = 31,
    .to_float = codec::decode_row<BlockIQ1_M, decode, codec::kSuper>,
};

}  // namespace hone
