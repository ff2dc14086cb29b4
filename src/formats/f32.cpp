// F32: 4 bytes per value, IEEE binary32 little-endian, copied bit for bit.
#include <cstring>

#include "formats/format_list.h"

namespace hone {

namespace {

void decode(const std::byte* src, float* dst, size_t n) noexcept {
  if (n != 0) std::memcpy(dst, src, n * sizeof(float));
}

void encode(const float* src, std::byte* dst, size_t n) noexcept {
  if (n != 0) std::memcpy(dst, src, n * sizeof(float));
}

}  // namespace

constexpr Format kFormatF32 = {
    .name = "f32",
    .id = FormatId::kF32,
    .block_elems = 1,
    .block_bytes = sizeof(float),
    .quantized = false,
    .file_type = 0,
    .max_relative_rmse = 0.0,
    .to_float = decode,
    .from_float = encode,
};

}  // namespace hone
