// NVFP4: 4.5 bits per weight. Blocks of 64 in four sub-blocks of 16: x = ue4m3(scale) * e2m1(q), where the
// scale is an unsigned float of 4 bits of exponent and 3 of mantissa. The values in codebook.h are doubled,
// so the scale here is halved. A model may scale the whole matrix besides, with a tensor of its own.
#include "formats/codebook.h"
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

constexpr size_t kElements = 64;

struct BlockNVFP4 {
  uint8_t scales[4];
  uint8_t qs[kElements / 2];  // 8 bytes a sub-block, low nibble: code i, high nibble: code i + 8
};
static_assert(sizeof(BlockNVFP4) == 36);

float scale_of(uint8_t code) noexcept {
  if (code == 0x7f) return 0.0f;  // its NaN
  const uint32_t bits = code & 0x7fu;
  if (bits < 8) return static_cast<float>(bits) * 0x1p-10f;
  return codec::float_of((bits << 20) + (119u << 23));
}

void decode(const BlockNVFP4& block, float* x) noexcept {
  for (size_t s = 0; s < 4; ++s)
    codec::decode_nibbles<16>(scale_of(block.scales[s]), codec::kFp4Values, block.qs + 8 * s, x + 16 * s);
}

void pack(const codec::SymmetricCodes& codes, BlockNVFP4& block) noexcept {
  std::memcpy(block.scales, codes.scales, sizeof block.scales);
  for (size_t i = 0; i < kElements / 2; ++i) {
    const uint8_t* const q = codes.codes + 16 * (i / 8) + i % 8;
    block.qs[i] = static_cast<uint8_t>(q[0] | (q[8] << 4));
  }
}

}  // namespace

constexpr Format kFormatNVFP4 = {
    .name = "nvfp4",
    .id = FormatId::kNVFP4,
    .block_elems = kElements,
    .block_bytes = sizeof(BlockNVFP4),
    .quantized = true,
    .file_type = 39,
    .max_relative_rmse = 0.09,
    .to_float = codec::decode_row<BlockNVFP4, decode, kElements>,
    .from_float = codec::encode_searched_row<BlockNVFP4, codec::SymmetricCodes, &codec::Searches::nvfp4, pack,
                                             kElements>,
    .from_float_weighted = codec::encode_searched_row<BlockNVFP4, codec::SymmetricCodes,
                                                      &codec::Searches::nvfp4, pack, kElements>,
};

}  // namespace hone
