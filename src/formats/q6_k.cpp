// Q6_K: 6.5625 bits per weight. Sixteen sub-blocks of 16: x = (d * scale) * (q - 32), q in [0, 63], scale in
// [-128, 127].
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

// Codes lie in two halves of 128; in each, column i of 32 holds codes i, i + 32, i + 64 and i + 96.
struct BlockQ6_K {
  uint8_t ql[codec::kSuper /
             2];  // 64 bytes a half, low 4 bits: byte i has codes i and i + 64, byte i + 32 the others
  uint8_t
      qh[codec::kSuper / 4];  // 32 bytes a half, high 2 bits: code i in bits 0-1, i + 32 in 2-3, and so on
  int8_t scales[codec::kSuper / 16];
  uint16_t d;  // f16, times the scales
};
static_assert(sizeof(BlockQ6_K) == 210);

void decode(const BlockQ6_K& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  float scales[16];
  for (size_t s = 0; s < 16; ++s) scales[s] = d * static_cast<float>(block.scales[s]);
  for (size_t part = 0; part < 8; ++part) {  // 32 codes each
    const size_t half = part / 4, row = part % 4;
    const uint8_t* const ql = block.ql + 64 * half + 32 * (row % 2);
    const uint8_t* const qh = block.qh + 32 * half;
    const int low_shift = row < 2 ? 0 : 4, high_shift = static_cast<int>(2 * row);
    for (size_t i = 0; i < 32; ++i) {
      const int q = ((ql[i] >> low_shift) & 15) | (((qh[i] >> high_shift) & 3) << 4);
      x[32 * part + i] = scales[2 * part + i / 16] * static_cast<float>(q - 32);
    }
  }
}

void pack(const codec::SymmetricCodes& codes, BlockQ6_K& block) noexcept {
  block.d = codes.d;
  std::memcpy(block.scales, codes.scales, sizeof block.scales);
  for (size_t half = 0; half < 2; ++half) {
    const uint8_t* const q = codes.codes + 128 * half;
    uint8_t* const ql = block.ql + 64 * half;
    uint8_t* const qh = block.qh + 32 * half;
    for (size_t i = 0; i < 32; ++i) {
      ql[i] = static_cast<uint8_t>((q[i] & 15) | ((q[i + 64] & 15) << 4));
      ql[i + 32] = static_cast<uint8_t>((q[i + 32] & 15) | ((q[i + 96] & 15) << 4));
      qh[i] = static_cast<uint8_t>((q[i] >> 4) | ((q[i + 32] >> 4) << 2) | ((q[i + 64] >> 4) << 4) |
                                   ((q[i + 96] >> 4) << 6));
    }
  }
}

}  // namespace

constexpr Format kFormatQ6_K = {
    .name = "q6_k",
    .id = FormatId::kQ6_K,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockQ6_K),
    .quantized = true,
    .file_type = 18,
    .max_relative_rmse = 0.0168,
    .to_float = codec::decode_row<BlockQ6_K, decode, codec::kSuper>,
    .from_float = codec::encode_searched_row<BlockQ6_K, codec::SymmetricCodes, &codec::Searches::q6_k, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockQ6_K, codec::SymmetricCodes, &codec::Searches::q6_k, pack>,
};

}  // namespace hone
