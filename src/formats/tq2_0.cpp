// TQ2_0: 2.0625 bits per weight, for models trained with ternary weights: quicker to read than tq1_0. x = d *
// (q - 1), q in {0, 1, 2}.
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockTQ2_0 {
  uint8_t qs[codec::kSuper / 4];  // codec::pack_pairs
  uint16_t d;                     // f16
};
static_assert(sizeof(BlockTQ2_0) == 66);

void decode(const BlockTQ2_0& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t part = 0; part < 8; ++part) {  // 32 codes each
    const uint8_t* const qs = block.qs + 32 * (part / 4);
    const int shift = static_cast<int>(2 * (part % 4));
    for (size_t i = 0; i < 32; ++i) x[32 * part + i] = d * static_cast<float>(((qs[i] >> shift) & 3) - 1);
  }
}

void pack(const codec::SymmetricCodes& codes, BlockTQ2_0& block) noexcept {
  block.d = codes.d;
  codec::pack_pairs(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatTQ2_0 = {
    .name = "tq2_0",
    .id = FormatId::kTQ2_0,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockTQ2_0),
    .quantized = true,
    .file_type = 37,
    .max_relative_rmse = 0.44,
    .to_float = codec::decode_row<BlockTQ2_0, decode, codec::kSuper>,
    .from_float =
        codec::encode_searched_row<BlockTQ2_0, codec::SymmetricCodes, &codec::Searches::ternary, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockTQ2_0, codec::SymmetricCodes, &codec::Searches::ternary, pack>,
};

}  // namespace hone
