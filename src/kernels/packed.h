// Quantized weights in the order the products read them. `lanes` rows stand side by side, block by block: the
// same field of every row, one after another, so that one vector holds the same four codes of `lanes` rows.
// Same bytes in another order (packed_layout.h packs and unpacks); a last group is filled up with zero rows.
// One PackedKernels per format and ISA; formats without one are multiplied through their decoder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone {

// M rows of activations as int8 blocks of 32: x[m][i] ~ d[m][i / 32] * q[m][i]. sums[m][i / 16] is the sum of
// 16 codes. Rows are k, k / 32 and k / 16 elements apart; to start at a later column, move all three
// pointers.
struct Int8Rows {
  const int8_t* q = nullptr;
  const float* d = nullptr;
  const int32_t* sums = nullptr;
  size_t k = 0;

  Int8Rows from(size_t row, size_t column) const noexcept {
    return {q + row * k + column, d + row * (k / 32) + column / 32, sums + row * (k / 16) + column / 16, k};
  }
};

// `width` columns of W unpacked for a slice of K: codes [k / 4][width][4] as the ISA's dot product wants
// them, d and min [k / scale_elems][width].
struct Int8Panel {
  uint8_t* codes = nullptr;
  float* d = nullptr;
  float* min = nullptr;  // unused by formats without a minimum
};

struct PackedKernels {
  size_t lanes;        // rows in a group
  size_t panel_cols;   // columns of a panel: a multiple of lanes
  size_t tile_rows;    // rows of A that tile() multiplies at once
  size_t scale_elems;  // consecutive elements that share a scale: 16 or 32
  // Many rows are multiplied faster, and nearly exactly, in 16-bit fixed point (kernels/i16.h) where the
  // active table has it.
  bool slower_than_i16;
  // A second plane of codes costs time: rows() of one or two rows is limited by products, not by memory, and
  // many rows are faster in 16-bit fixed point than in two planes.
  bool planes_cost;

  // c[m * ldc + r] = or += alpha * (row r of the group) . (row m of a), r < n_rows <= lanes. Any m; the group
  // is read once per few rows of a, as it stands.
  void (*rows)(size_t m, size_t n_rows, const std::byte* group, const Int8Rows& a, float* c, size_t ldc,
               float alpha, bool accumulate) noexcept;
  // One group's slice [0, k) into columns [column, column + lanes) of the panel; `slice` points at the
  // group's first wanted block, k is a multiple of the format's block.
  void (*unpack_codes)(size_t k, const std::byte* slice, const Int8Panel& panel, size_t column) noexcept;
  // What a row of a adds to all its products with one run of scale_elems, out[m][a.k / scale_elems]: where
  // the integer sum starts, or, of formats with a minimum, the bits of the float that multiplies it.
  void (*run_terms)(size_t m, const Int8Rows& a, int32_t* out) noexcept;
  // c (mr, nr) = or += alpha * a (mr, k) * panel^T; any mr, nr <= panel_cols. a and its terms start at the
  // slice.
  void (*tile)(size_t mr, size_t nr, size_t k, const Int8Rows& a, const int32_t* terms,
               const Int8Panel& panel, float* c, size_t ldc, float alpha, bool accumulate) noexcept;
  // out[i * stride + r] = element i of row r of the group's slice, bit for bit what the format's to_float
  // gives.
  void (*unpack_f32)(size_t k, const std::byte* slice, float* out, size_t stride) noexcept;
  // The same rounded to bf16, two consecutive elements in one of out: out[i / 2 * stride + r]. Null where
  // nothing multiplies such pairs.
  void (*unpack_pairs)(size_t k, const std::byte* slice, uint32_t* out, size_t stride) noexcept;
};

}  // namespace hone
