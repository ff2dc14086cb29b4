#include "kernels/packed_layout.h"

#include <cstring>

namespace hone {
namespace {

constexpr size_t kMaxLanes = 16;
constexpr PackedField::Kind kBitPlanes = PackedField::Kind::kBitPlanes;

constexpr PackedField kQ4_0[] = {{0, 2, 1}, {2, 4, 4}};
constexpr PackedField kQ4_1[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 4}};
constexpr PackedField kQ5_0[] = {{0, 2, 1}, {2, 0, 0, kBitPlanes}, {6, 4, 4}};
constexpr PackedField kQ5_1[] = {{0, 2, 1}, {2, 2, 1}, {4, 0, 0, kBitPlanes}, {8, 4, 4}};
constexpr PackedField kQ8_0[] = {{0, 2, 1}, {2, 4, 8}};

constexpr PackedField kQ4_K[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 3}, {16, 4, 32}};
constexpr PackedField kQ5_K[] = {{0, 2, 1}, {2, 2, 1}, {4, 4, 3}, {16, 4, 8}, {48, 4, 32}};
constexpr PackedField kQ6_K[] = {{0, 4, 32}, {128, 4, 16}, {192, 4, 4}, {208, 2, 1}};

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

constexpr size_t field_bytes(const PackedField& field) {
  return field.kind == kBitPlanes ? 4 : field.unit * field.count;
}

// Bit 4 * j + i of a row's 32 bits goes to bit 4 * r + i of plane j.
void pack_planes(size_t lanes, const uint32_t* bits, std::byte* out) noexcept {
  for (size_t j = 0; j < 8; ++j) {
    uint64_t plane = 0;
    for (size_t r = 0; r < lanes; ++r) plane |= static_cast<uint64_t>((bits[r] >> (4 * j)) & 15u) << (4 * r);
    std::memcpy(out + j * lanes / 2, &plane, lanes / 2);
  }
}

uint32_t unpack_planes(size_t lanes, const std::byte* in, size_t r) noexcept {
  uint32_t bits = 0;
  for (size_t j = 0; j < 8; ++j) {
    uint64_t plane = 0;
    std::memcpy(&plane, in + j * lanes / 2, lanes / 2);
    bits |= static_cast<uint32_t>((plane >> (4 * r)) & 15u) << (4 * j);
  }
  return bits;
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

void pack_plane_bits(size_t lanes, uint32_t bits, size_t r, std::byte* out) noexcept {
  for (size_t j = 0; j < 8; ++j) {
    uint64_t plane = 0;
    std::memcpy(&plane, out + j * lanes / 2, lanes / 2);
    plane &= ~(uint64_t{15} << (4 * r));
    plane |= static_cast<uint64_t>((bits >> (4 * j)) & 15u) << (4 * r);
    std::memcpy(out + j * lanes / 2, &plane, lanes / 2);
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
    if (field.kind == kBitPlanes) {
      uint32_t bits[kMaxLanes] = {};
      for (size_t r = 0; r < blocks.size(); ++r) std::memcpy(&bits[r], blocks[r] + field.offset, 4);
      pack_planes(lanes, bits, out);
    } else if (field.unit == 1) {
      pack_units<1>(field, lanes, blocks, out);
    } else if (field.unit == 2) {
      pack_units<2>(field, lanes, blocks, out);
    } else {
      pack_units<4>(field, lanes, blocks, out);
    }
    out += lanes * field_bytes(field);
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
      if (field.kind == kBitPlanes) {
        uint32_t bits;
        std::memcpy(&bits, row + field.offset, 4);
        pack_plane_bits(lanes, bits, r, out);
      } else if (field.unit == 1) {
        pack_units_of<1>(field, lanes, row, r, out);
      } else if (field.unit == 2) {
        pack_units_of<2>(field, lanes, row, r, out);
      } else {
        pack_units_of<4>(field, lanes, row, r, out);
      }
      out += lanes * field_bytes(field);
    }
  }
}

void unpack_row(const PackedLayout& layout, size_t lanes, const std::byte* group, size_t r, size_t begin,
                size_t n, std::byte* out) noexcept {
  const size_t block_bytes = find_format(layout.format)->block_bytes;
  for (size_t b = 0; b < n; ++b, out += block_bytes) {
    const std::byte* in = group + (begin + b) * lanes * block_bytes;
    for (const PackedField& field : layout.fields) {
      if (field.kind == kBitPlanes) {
        const uint32_t bits = unpack_planes(lanes, in, r);
        std::memcpy(out + field.offset, &bits, 4);
      } else if (field.unit == 1) {
        unpack_units<1>(field, lanes, in, r, out);
      } else if (field.unit == 2) {
        unpack_units<2>(field, lanes, in, r, out);
      } else {
        unpack_units<4>(field, lanes, in, r, out);
      }
      in += lanes * field_bytes(field);
    }
  }
}

}  // namespace hone
