// IQ3_XXS: 3.0625 bits per weight. Eight sub-blocks of 32: x = (d * (scale + 1/2) / 2) * sign * point, scale
// in [0, 15]; a byte names a point of 4 coordinates of {4, 12, 20, 28, 36, 44, 52, 62}, seven bits the signs
// of two. Only read.
#include "formats/format_list.h"
#include "formats/grid.h"

namespace hone {

namespace {

struct BlockIQ3_XXS {
  uint16_t d;
  uint8_t qs[64];
  uint8_t words[8][4];  // of a sub-block: four times seven bits of signs, four of scale
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

void decode(const BlockIQ3_XXS& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t s = 0; s < 8; ++s) {
    uint32_t word;
    std::memcpy(&word, block.words[s], sizeof word);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.5f;
    for (size_t i = 0; i < 8; ++i, x += 4) {
      const uint32_t signs = codec::eight_signs(word >> (i / 2 * 7));
      codec::decode_point(scale, codec::grid_iq3_xxs()[block.qs[8 * s + i]], signs >> (i % 2 * 4), x);
    }
  }
}

}  // namespace

constexpr Format kFormatIQ3_XXS = {
    .name = "iq3_xxs",
    .id = FormatId::kIQ3_XXS,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockIQ3_XXS),
    .quantized = true,
    .file_type = 23,
    .to_float = codec::decode_row<BlockIQ3_XXS, decode, codec::kSuper>,
};

}  // namespace hone
