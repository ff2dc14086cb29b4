// Products of weights in any format as int8, for training: both operands become codes in blocks of 32 along
// K, each with a scale. Coarser blocks lose: with one scale for 64 of K losses of Gemma 3 strayed up to
// 0.44 % from those of f32 in ten steps, for up to 576 of a column of W 0.57 %, with these 0.24 %.
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/format.h"
#include "kernels/packed.h"

namespace hone {

// Rows w of stored floats, `stride` bytes apart: k of them (a multiple of 32), Int8Kernels::lanes elements
// each, as codes and scales into columns [column, column + lanes) of the panel, whose rows are panel_cols
// wide. A run with a NaN becomes NaN.
using EncodeColumns = void (*)(size_t k, const std::byte* w, size_t stride, const Int8Panel& panel,
                               size_t column) noexcept;

struct Int8Kernels {
  size_t lanes;        // columns that are encoded together
  size_t panel_cols;   // columns of a panel: a multiple of lanes
  size_t tile_rows;    // rows of A that are multiplied at once
  uint32_t code_flip;  // four signed codes and this: as they stand in a panel

  // Of rows of floats in this format; null: not a float format.
  EncodeColumns (*encode)(FormatId format) noexcept;
  // PackedKernels::run_terms and tile, for such panels.
  void (*run_terms)(size_t m, const Int8Rows& a, int32_t* out) noexcept;
  void (*tile)(size_t mr, size_t nr, size_t k, const Int8Rows& a, const int32_t* terms,
               const Int8Panel& panel, float* c, size_t ldc, float alpha, bool accumulate) noexcept;
};

}  // namespace hone
