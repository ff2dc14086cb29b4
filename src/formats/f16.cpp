// F16: 2 bytes per value, IEEE binary16 little-endian, rounded to nearest even. A NaN keeps its sign and the
// upper bits of its payload.
#include "formats/codec.h"
#include "formats/format_list.h"

namespace hone {

namespace {

void decode(const std::byte* src, float* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    uint16_t half;
    std::memcpy(&half, src + i * sizeof(half), sizeof(half));
    dst[i] = codec::from_f16(half);
  }
}

void encode(const float* src, std::byte* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = codec::to_f16(src[i]);
    std::memcpy(dst + i * sizeof(half), &half, sizeof(half));
  }
}

}  // namespace

constexpr Format kFormatF16 = {
    .name = "f16",
    .id = FormatId::kF16,
    .block_elems = 1,
    .block_bytes = sizeof(uint16_t),
    .quantized = false,
    .file_type = 1,
    .max_relative_rmse = 0.0003,
    .to_float = decode,
    .from_float = encode,
};

}  // namespace hone
