// Q2_K: 2.625 bits per weight. Sixteen sub-blocks of 16: x = (d * scale) * q - (dmin * minimum), q in [0, 3],
// scale and minimum in [0, 15].
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ2_K {
  uint8_t scales[codec::kSuper / 16];  // low nibble scale, high nibble minimum
  uint8_t qs[codec::kSuper / 4];       // codec::pack_pairs
  uint16_t d;                          // f16, times the scales
  uint16_t dmin;                       // f16, times the minimums
};
static_assert(sizeof(BlockQ2_K) == 84);

void decode(const BlockQ2_K& block, float* x) noexcept {
  const float d = codec::from_f16(block.d), dmin = codec::from_f16(block.dmin);
  float scales[16], minimums[16];
  for (size_t s = 0; s < 16; ++s) {
    scales[s] = d * static_cast<float>(block.scales[s] & 15);
    minimums[s] = dmin * static_cast<float>(block.scales[s] >> 4);
  }
  for (size_t part = 0; part < 8; ++part) {  // 32 codes each
    const uint8_t* const qs = block.qs + 32 * (part / 4);
    const int shift = static_cast<int>(2 * (part % 4));
    for (size_t i = 0; i < 32; ++i) {
      const size_t s = 2 * part + i / 16;
      x[32 * part + i] = scales[s] * static_cast<float>((qs[i] >> shift) & 3) - minimums[s];
    }
  }
}

void pack(const codec::AffineCodes& codes, BlockQ2_K& block) noexcept {
  block.d = codes.d;
  block.dmin = codes.dmin;
  for (size_t s = 0; s < 16; ++s)
    block.scales[s] = static_cast<uint8_t>(codes.scales[s] | (codes.minimums[s] << 4));
  codec::pack_pairs(codes.codes, block.qs);
}

}  // namespace

constexpr Format kFormatQ2_K = {
    .name = "q2_k",
    .id = FormatId::kQ2_K,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockQ2_K),
    .quantized = true,
    .file_type = 10,
    .max_relative_rmse = 0.265,
    .to_float = codec::decode_row<BlockQ2_K, decode, codec::kSuper>,
    .from_float = codec::encode_searched_row<BlockQ2_K, codec::AffineCodes, &codec::Searches::q2_k, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ2_K, codec::AffineCodes, &codec::Searches::q2_k, pack>,
};

}  // namespace hone
