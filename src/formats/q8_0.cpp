// Q8_0: 8.5 bits per weight. x = d * q, q in [-127, 127], d = max|x| / 127 stored as f16 (q is computed with
// the unrounded d). Halves round away from zero.
#include "formats/codec.h"
#include "formats/format_list.h"

namespace hone {

namespace {

struct BlockQ8_0 {
  uint16_t d;                // f16 scale
  int8_t qs[codec::kBlock];  // element i
};
static_assert(sizeof(BlockQ8_0) == 34);

void decode(const BlockQ8_0& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  for (size_t i = 0; i < codec::kBlock; ++i) x[i] = static_cast<float>(block.qs[i]) * d;
}

void encode(const float* x, BlockQ8_0& block) noexcept {
  const uint32_t most = codec::max_magnitude(x);
  const float d = codec::float_of(most > codec::kInfinity ? codec::kQuietNan : most) / 127.0f;
  const float inverse = codec::inverse_or_zero(d);
  block.d = codec::to_f16(d);
  for (size_t i = 0; i < codec::kBlock; ++i) {
    const float v = x[i] * inverse;
    // Infinity and NaN give code 0; the mask keeps the conversions below defined.
    const uint32_t keep = -static_cast<uint32_t>(v > -1024.0f) & -static_cast<uint32_t>(v < 1024.0f);
    const float finite = codec::float_of(codec::bits_of(v) & keep);
    const int32_t whole = static_cast<int32_t>(finite);
    const int32_t half = static_cast<int32_t>((finite - static_cast<float>(whole)) * 2.0f);
    block.qs[i] = static_cast<int8_t>(whole + half);
  }
}

}  // namespace

constexpr Format kFormatQ8_0 = {
    .name = "q8_0",
    .id = FormatId::kQ8_0,
    .block_elems = codec::kBlock,
    .block_bytes = sizeof(BlockQ8_0),
    .quantized = true,
    .file_type = 7,
    .max_relative_rmse = 0.006,
    .to_float = codec::decode_row<BlockQ8_0, decode>,
    .from_float = codec::encode_row<BlockQ8_0, encode>,
};

}  // namespace hone
