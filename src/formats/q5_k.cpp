// Q5_K: 5.5 bits per weight. Eight sub-blocks of 32: x = (d * scale) * q - (dmin * minimum), q in [0, 31],
// scale and minimum in [0, 63]. As Q4_K with a fifth bit per code.
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockQ5_K {
  uint16_t d;                     // f16, times the scales
  uint16_t dmin;                  // f16, times the minimums
  uint8_t scales[12];             // codec::pack_scales
  uint8_t qh[32];                 // bit s of byte i: bit 4 of code i of sub-block s
  uint8_t qs[codec::kSuper / 2];  // 32 bytes for every 64 codes: low nibble code i, high nibble code i + 32
};
static_assert(sizeof(BlockQ5_K) == 176);

void decode(const BlockQ5_K& block, float* x) noexcept {
  uint8_t scales[8], minimums[8];
  codec::unpack_scales(block.scales, scales, minimums);
  const float d = codec::from_f16(block.d), dmin = codec::from_f16(block.dmin);
  for (size_t s = 0; s < 8; ++s) {
    const float scale = d * static_cast<float>(scales[s]), minimum = dmin * static_cast<float>(minimums[s]);
    const uint8_t* const qs = block.qs + s / 2 * 32;
    const int shift = s % 2 == 0 ? 0 : 4;
    for (size_t i = 0; i < 32; ++i) {
      const int q = ((qs[i] >> shift) & 15) | (((block.qh[i] >> s) & 1) << 4);
      x[32 * s + i] = scale * static_cast<float>(q) - minimum;
    }
  }
}

void pack(const codec::AffineCodes& codes, BlockQ5_K& block) noexcept {
  block.d = codes.d;
  block.dmin = codes.dmin;
  codec::pack_scales(codes.scales, codes.minimums, block.scales);
  std::memset(block.qh, 0, sizeof block.qh);
  for (size_t pair = 0; pair < 4; ++pair) {
    const uint8_t* const even = codes.codes + 64 * pair;
    const uint8_t* const odd = even + 32;
    for (size_t i = 0; i < 32; ++i) {
      block.qs[32 * pair + i] = static_cast<uint8_t>((even[i] & 15) | ((odd[i] & 15) << 4));
      block.qh[i] = static_cast<uint8_t>(block.qh[i] | ((even[i] >> 4) << (2 * pair)) |
                                         ((odd[i] >> 4) << (2 * pair + 1)));
    }
  }
}

}  // namespace

constexpr Format kFormatQ5_K = {
    .name = "q5_k",
    .id = FormatId::kQ5_K,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockQ5_K),
    .quantized = true,
    .file_type = 16,
    .max_relative_rmse = 0.0348,
    .to_float = codec::decode_row<BlockQ5_K, decode, codec::kSuper>,
    .from_float = codec::encode_searched_row<BlockQ5_K, codec::AffineCodes, &codec::Searches::q5_k, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ5_K, codec::AffineCodes, &codec::Searches::q5_k, pack>,
};

}  // namespace hone
