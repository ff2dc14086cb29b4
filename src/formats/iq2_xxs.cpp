// IQ2_XXS: 2.0625 bits per weight. Eight sub-blocks of 32: x = (d * (scale + 1/2) / 4) * sign * point, scale
// in [0, 15]; a byte names a point of 8 coordinates of {8, 25, 43}, seven bits their signs. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ2_XXS {
  uint16_t d;
  uint8_t qs[8]
            [8];  // of a sub-block: four points, then a word: four times seven bits of signs, four of scale
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

void decode(const BlockIQ2_XXS& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (const auto& sub : block.qs) {
    uint32_t word;
    std::memcpy(&word, sub + 4, sizeof word);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.25f;
    for (size_t i = 0; i < 4; ++i, x += 8)
      codec::decode_point(scale, codec::grid_iq2_xxs()[sub[i]], codec::eight_signs(word >> (7 * i)), x);
  }
}

}  // namespace

constexpr Format kFormatIQ2_XXS = {
    .name = "iq2_xxs",
    .id = FormatId::kIQ2_XXS,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ2_XXS),
    .quantized = true,
    .file_type = 19,
    .to_float = codec::decode_row<BlockIQ2_XXS, decode, codec::kSuper>,
};

}  // namespace hone
