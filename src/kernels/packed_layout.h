// Which bytes of a stored block go where when `lanes` rows are interleaved. The order within a block: each
// field in the order of its table, each unit of a field for all rows side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/format.h"

namespace hone {

struct PackedField {
  enum class Kind {
    kUnits,  // `count` units of `unit` bytes each: 1, 2 or 4
    kBits,   // 32 bits, one an element, as a unit of 4 bytes: bit q of byte i is that of element 4 q + i
  };
  size_t offset;  // in the stored block
  size_t unit = 0, count = 0;
  Kind kind = Kind::kUnits;
};

struct PackedLayout {
  FormatId format;
  std::span<const PackedField> fields;  // cover the block
};

// nullptr: rows of this format are not interleaved.
const PackedLayout* packed_layout(FormatId format) noexcept;

// rows[r]: n_blocks stored blocks of row r, r < n_rows; missing rows become zeros. out: n_blocks * lanes *
// block_bytes.
void pack_rows(const PackedLayout& layout, size_t lanes, size_t n_blocks,
               std::span<const std::byte* const> rows, std::byte* out) noexcept;
// Row r of a group alone: the other rows stay. row: n_blocks stored blocks.
void pack_row(const PackedLayout& layout, size_t lanes, size_t n_blocks, const std::byte* row, size_t r,
              std::byte* group) noexcept;
// The stored blocks [begin, begin + n) of row r of a group; exact inverse of pack_rows.
void unpack_row(const PackedLayout& layout, size_t lanes, const std::byte* group, size_t r, size_t begin,
                size_t n, std::byte* out) noexcept;

}  // namespace hone
