// BF16: 2 bytes per value, the upper half of a binary32, rounded to nearest even. NaNs become quiet.
#include "formats/codec.h"
#include "formats/format_list.h"

namespace hone {

namespace {

void decode(const std::byte* src, float* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    uint16_t half;
    std::memcpy(&half, src + i * sizeof(half), sizeof(half));
    dst[i] = codec::float_of(static_cast<uint32_t>(half) << 16);
  }
}

void encode(const float* src, std::byte* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = codec::bits_of(src[i]);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t nan = (bits >> 16) | 0x40u;
    const uint16_t half =
        static_cast<uint16_t>((bits & codec::kMagnitude) > codec::kInfinity ? nan : rounded);
    std::memcpy(dst + i * sizeof(half), &half, sizeof(half));
  }
}

}  // namespace

constexpr Format kFormatBF16 = {
    .name = "bf16",
    .id = FormatId::kBF16,
    .block_elems = 1,
    .block_bytes = sizeof(uint16_t),
    .quantized = false,
    .file_type = 32,
    .max_relative_rmse = 0.0025,
    .to_float = decode,
    .from_float = encode,
};

}  // namespace hone
