#include "kernels/packed_layout.h"

#include <cstring>

namespace hone {
namespace {

constexpr size_t kMaxLanes = 16;
constexpr PackedField::Kind kBits = PackedField::Kind::kBits;

constexpr PackedField kQ4_0[] = {{0, 2, 1}, {2, 4, 4}};
constexpr PackedField kQ4_1[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 4}};
constexpr PackedField kQ5_0[] = {{0, 2, 1}, {2, 4, 1, kBits}, {6, 4, 4}};
constexpr PackedField kQ5_1[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 1, kBits}, {8, 4, 4}};
constexpr PackedField kQ8_0[] = {{0, 2, 1}, {2, 4, 8}};

constexpr PackedField kQ4_K[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 3}, {16, 4, 32}};
constexpr PackedField kQ5_K[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 3}, {16, 4, 8}, {48, 4, 32}};
// In the order of use: so it comes from memory.
constexpr PackedField kQ6_K[] = {{208, 2, 1}, {192, 4, 4}, {128, 4, 8}, {0, 4, 16}, {160, 4, 8}, {64, 4, 16}};

constexpr PackedField kQ2_K[] = {{0, 4, 4}, {16, 4, 16}, {80, 2, 1}, {82, 2, 1}};
constexpr PackedField kQ3_K[] = {{0, 4, 8}, {32, 4, 16}, {96, 4, 3}, {108, 2, 1}};
constexpr PackedField kTQ2_0[] = {{0, 4, 16}, {64, 2, 1}};
constexpr PackedField kIQ4_XS[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 1}, {8, 4, 32}};
constexpr PackedField kMXFP4[] = {{0, 1, 1}, {1, 4, 4}};

constexpr PackedLayout kLayouts[] = {
    {FormatId::kQ4_0, kQ4_0},     {FormatId::kQ4_1, kQ4_1},   {FormatId::kQ5_0, kQ5_0},
    {FormatId::kQ5_1, kQ5_1},     {FormatId::kQ8_0, kQ8_0},   {FormatId::kQ4_K, kQ4_K},
    {FormatId::kQ5_K, kQ5_K},     {FormatId::kQ6_K, kQ6_K},   {FormatId::kQ2_K, kQ2_K},
    {FormatId::kQ3_K, kQ3_K},     {FormatId::kTQ2_0, kTQ2_0}, {FormatId::kIQ4_NL, kQ4_0},
    {FormatId::kIQ4_XS, kIQ4_XS}, {FormatId::kMXFP4, kMXFP4},
};

// Exchanges the bits of the mask with those `shift` above them.
constexpr uint32_t swap_bits(uint32_t x, uint32_t mask, int shift) {
  const uint32_t changed = (x ^ (x >> shift)) & mask;
  return x ^ changed ^ (changed << shift);
}

// Bits 2 i and 2 i + 1 go to i and 16 + i; and back.
constexpr uint32_t part_bits(uint32_t x) {
  x = swap_bits(x, 0x22222222, 1);
  x = swap_bits(x, 0x0c0c0c0c, 2);
  x = swap_bits(x, 0x00f000f0, 4);
  return swap_bits(x, 0x0000ff00, 8);
}
constexpr uint32_t mix_bits(uint32_t x) {
  x = swap_bits(x, 0x0000ff00, 8);
  x = swap_bits(x, 0x00f000f0, 4);
  x = swap_bits(x, 0x0c0c0c0c, 2);
  return swap_bits(x, 0x22222222, 1);
}

// PackedField::Kind::kBits: bit 4 q + i goes to 8 i + q; and back.
constexpr uint32_t turn_bits(uint32_t x) {
  return part_bits(part_bits(x));
}
constexpr uint32_t turn_bits_back(uint32_t x) {
  return mix_bits(mix_bits(x));
}
static_assert(turn_bits(1u << (4 * 5 + 2)) == 1u << (8 * 2 + 5) && turn_bits(1u << (4 * 2 + 3)) == 1u << 26);

// The four bytes at p, turned by turn().
template <typename Turn>
void turn_at(std::byte* p, const Turn& turn) noexcept {
  uint32_t bits;
  std::memcpy(&bits, p, 4);
  bits = turn(bits);
  std::memcpy(p, &bits, 4);
}

template <size_t kUnit>
void pack_units(const PackedField& field, size_t lanes, std::span<const std::byte* const> blocks,
                std::byte* out) noexcept {
  for (size_t i = 0; i < field.count; ++i) {
    for (size_t r = 0; r < blocks.size(); ++r, out += kUnit)
      std::memcpy(out, blocks[r] + field.offset + i * kUnit, kUnit);
    std::memset(out, 0, (lanes - blocks.size()) * kUnit);
    out += (lanes - blocks.size()) * kUnit;
  }
}

template <size_t kUnit>
void pack_units_of(const PackedField& field, size_t lanes, const std::byte* block, size_t r,
                   std::byte* out) noexcept {
  for (size_t i = 0; i < field.count; ++i)
    std::memcpy(out + (i * lanes + r) * kUnit, block + field.offset + i * kUnit, kUnit);
}

template <size_t kUnit>
void unpack_units(const PackedField& field, size_t lanes, const std::byte* in, size_t r,
                  std::byte* out) noexcept {
  for (size_t i = 0; i < field.count; ++i)
    std::memcpy(out + field.offset + i * kUnit, in + (i * lanes + r) * kUnit, kUnit);
}

void pack_block(const PackedLayout& layout, size_t lanes, std::span<const std::byte* const> blocks,
                std::byte* out) noexcept {
  for (const PackedField& field : layout.fields) {
    if (field.unit == 1) {
      pack_units<1>(field, lanes, blocks, out);
    } else if (field.unit == 2) {
      pack_units<2>(field, lanes, blocks, out);
    } else {
      pack_units<4>(field, lanes, blocks, out);
    }
    if (field.kind == kBits)
      for (size_t r = 0; r < blocks.size(); ++r) turn_at(out + 4 * r, turn_bits);
    out += lanes * field.unit * field.count;
  }
}

}  // namespace

const PackedLayout* packed_layout(FormatId format) noexcept {
  for (const PackedLayout& layout : kLayouts)
    if (layout.format == format) return &layout;
  return nullptr;
}

void pack_rows(const PackedLayout& layout, size_t lanes, size_t n_blocks,
               std::span<const std::byte* const> rows, std::byte* out) noexcept {
  const size_t block_bytes = find_format(layout.format)->block_bytes;
  const std::byte* at[kMaxLanes];
  for (size_t b = 0; b < n_blocks; ++b) {
    for (size_t r = 0; r < rows.size(); ++r) at[r] = rows[r] + b * block_bytes;
    pack_block(layout, lanes, {at, rows.size()}, out + b * lanes * block_bytes);
  }
}

void pack_row(const PackedLayout& layout, size_t lanes, size_t n_blocks, const std::byte* row, size_t r,
              std::byte* group) noexcept {
  const size_t block_bytes = find_format(layout.format)->block_bytes;
  for (size_t b = 0; b < n_blocks; ++b, row += block_bytes) {
    std::byte* out = group + b * lanes * block_bytes;
    for (const PackedField& field : layout.fields) {
      if (field.unit == 1) {
        pack_units_of<1>(field, lanes, row, r, out);
      } else if (field.unit == 2) {
        pack_units_of<2>(field, lanes, row, r, out);
      } else {
        pack_units_of<4>(field, lanes, row, r, out);
      }
      if (field.kind == kBits) turn_at(out + 4 * r, turn_bits);
      out += lanes * field.unit * field.count;
    }
  }
}

void unpack_row(const PackedLayout& layout, size_t lanes, const std::byte* group, size_t r, size_t begin,
                size_t n, std::byte* out) noexcept {
  const size_t block_bytes = find_format(layout.format)->block_bytes;
  for (size_t b = 0; b < n; ++b, out += block_bytes) {
    const std::byte* in = group + (begin + b) * lanes * block_bytes;
    for (const PackedField& field : layout.fields) {
      if (field.unit == 1) {
        unpack_units<1>(field, lanes, in, r, out);
      } else if (field.unit == 2) {
        unpack_units<2>(field, lanes, in, r, out);
      } else {
        unpack_units<4>(field, lanes, in, r, out);
      }
      if (field.kind == kBits) turn_at(out + field.offset, turn_bits_back);
      in += lanes * field.unit * field.count;
    }
  }
}

}  // namespace hone
