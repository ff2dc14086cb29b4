// Q4_K: 4.5 bits per weight. Eight sub-blocks of 32: x = (d * scale) * q - (dmin * minimum), q in [0, 15],
// scale and minimum in [0, 63].
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ4_K {
  uint16_t d;                     // f16, times the scales
  uint16_t dmin;                  // f16, times the minimums
  uint8_t scales[12];             // codec::pack_scales
  uint8_t qs[codec::kSuper / 2];  // 32 bytes for every 64 codes: low nibble code i, high nibble code i + 32
};
static_assert(sizeof(BlockQ4_K) == 144);

void decode(const BlockQ4_K& block, float* x) noexcept {
  uint8_t scales[8], minimums[8];
  codec::unpack_scales(block.scales, scales, minimums);
  const float d = codec::from_f16(block.d), dmin = codec::from_f16(block.dmin);
  for (size_t s = 0; s < 8; ++s) {
    const float scale = d * static_cast<float>(scales[s]), minimum = dmin * static_cast<float>(minimums[s]);
    const uint8_t* const qs = block.qs + s / 2 * 32;
    const int shift = s % 2 == 0 ? 0 : 4;
    for (size_t i = 0; i < 32; ++i)
      x[32 * s + i] = scale * static_cast<float>((qs[i] >> shift) & 15) - minimum;
  }
}

void pack(const codec::AffineCodes& codes, BlockQ4_K& block) noexcept {
  block.d = codes.d;
  block.dmin = codes.dmin;
  codec::pack_scales(codes.scales, codes.minimums, block.scales);
  for (size_t pair = 0; pair < 4; ++pair)
    for (size_t i = 0; i < 32; ++i)
      block.qs[32 * pair + i] =
          static_cast<uint8_t>(codes.codes[64 * pair + i] | (codes.codes[64 * pair + 32 + i] << 4));
}

}  // namespace

constexpr Format kFormatQ4_K = {
    .name = "q4_k",
    .id = FormatId::kQ4_K,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockQ4_K),
    .quantized = true,
    .file_type = 14,
    .max_relative_rmse = 0.0705,
    .to_float = codec::decode_row<BlockQ4_K, decode, codec::kSuper>,
    .from_float = codec::encode_searched_row<BlockQ4_K, codec::AffineCodes, &codec::Searches::q4_k, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ4_K, codec::AffineCodes, &codec::Searches::q4_k, pack>,
};

}  // namespace hone
