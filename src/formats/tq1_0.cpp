// TQ1_0: 1.6875 bits per weight, for models trained with ternary weights. x = d * (q - 1), q in {0, 1, 2};
// five codes to a byte b, read off as the first digits after the point of b / 256 in base 3.
#include "formats/format_list.h"
#include "formats/k_codec.h"

namespace hone {

namespace {

struct BlockTQ1_0 {
  uint8_t qs[48];  // 32 bytes: code i, i + 32, ... i + 128; then 16: 160 + i, 176 + i, ... 224 + i
  uint8_t qh[4];   // 240 + i, 244 + i, 248 + i, 252 + i
  uint16_t d;      // f16
};
static_assert(sizeof(BlockTQ1_0) == 54);

// Bytes [first, first + n) of a block hold kDigits codes each, n apart, starting at element `element`.
struct Part {
  size_t first, n, digits, element;
};
constexpr Part kParts[] = {{0, 32, 5, 0}, {32, 16, 5, 160}, {48, 4, 4, 240}};

void decode(const BlockTQ1_0& block, float* x) noexcept {
  const float d = codec::from_f16(block.d);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&block);
  for (const Part& part : kParts) {
    for (size_t i = 0; i < part.n; ++i) {
      uint32_t rest = bytes[part.first + i];
      for (size_t digit = 0; digit < part.digits; ++digit) {
        rest *= 3;
        x[part.element + digit * part.n + i] = d * static_cast<float>(static_cast<int>(rest >> 8) - 1);
        rest &= 255u;
      }
    }
  }
}

void pack(const codec::SymmetricCodes& codes, BlockTQ1_0& block) noexcept {
  block.d = codes.d;
  auto* const bytes = reinterpret_cast<uint8_t*>(&block);
  for (const Part& part : kParts) {
    for (size_t i = 0; i < part.n; ++i) {
      uint32_t number = 0;
      for (size_t digit = 0; digit < 5; ++digit)
        number = 3 * number + (digit < part.digits ? codes.codes[part.element + digit * part.n + i] : 0u);
      bytes[part.first + i] =
          static_cast<uint8_t>((number * 256 + 242) / 243);  // rounded up: digits come back
    }
  }
}

}  // namespace

constexpr Format kFormatTQ1_0 = {
    .name = "tq1_0",
    .id = FormatId::kTQ1_0,
    .block_elems = codec::kSuper,
    .block_bytes = sizeof(BlockTQ1_0),
    .quantized = true,
    .file_type = 36,
    .max_relative_rmse = 0.44,
    .to_float = codec::decode_row<BlockTQ1_0, decode, codec::kSuper>,
    .from_float =
        codec::encode_searched_row<BlockTQ1_0, codec::SymmetricCodes, &codec::Searches::ternary, pack>,
    .from_float_weighted =
        codec::encode_searched_row<BlockTQ1_0, codec::SymmetricCodes, &codec::Searches::ternary, pack>,
};

}  // namespace hone
