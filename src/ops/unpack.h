// Parts of a stored matrix, interleaved or not, on their way to the panels of a product (ops/panel_pack.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "ops/panel_pack.h"

namespace hone {

constexpr size_t kRowsAtOnce = 16;  // rows of W unpacked together when they run along K

// `width` interleaved rows from n on as f32 columns [kc][nr]; columns beyond become zeros.
void unpack_columns(const MatrixView& w, size_t n, size_t width, size_t k0, size_t kc, size_t nr, float* out);
// The same in bf16, two consecutive k in one element: [kc / 2][nr].
void unpack_paired_columns(const MatrixView& w, size_t n, size_t width, size_t k0, size_t kc, size_t nr,
                           uint32_t* out);
// Rows [k0, k0 + n_rows) of W, n_rows <= kRowsAtOnce, columns [n0, n0 + cols) as f32 [n_rows][stride].
void unpack_rows(const Kernels& ks, const MatrixView& w, size_t k0, size_t n_rows, size_t n0, size_t cols,
                 float* out, size_t stride);
// A slice (W stored as kNn) as f32 [kc][stride], stride at least that of whole blocks; zeros behind its
// columns.
void unpack_slice(const Kernels& ks, const PanelSlice& slice, float* out, size_t stride);

// Rows of a slice (W stored as kNn, not interleaved) two at a time into one row of pairs of every panel.
void pair_stored_rows(const PanelSlice& slice, PairRows pair, PanelWidths widths, uint32_t* panels);

// Whether turn_pairs() can unpack a slice (W stored as kNt, in 16 bits, not interleaved).
bool has_aligned_pairs(const PanelSlice& slice) noexcept;
// Rows [n, n + width) of W along such a slice into a panel: halves that lie side by side are pairs along K.
void turn_pairs(const Kernels& ks, const PanelSlice& slice, size_t n, size_t width, size_t nr,
                uint32_t* panel);

// Whether turn_group() can unpack a slice: it consists of whole groups of interleaved rows.
bool has_whole_groups(const PanelSlice& slice) noexcept;
// Rows [k, k + lanes) of such a slice into panels of pairs in bf16 or f16, as products are made (scale 1):
// halves of interleaved rows are pairs along K once they are turned.
void turn_group(const Kernels& ks, const PanelSlice& slice, size_t k, PanelWidths widths, uint32_t* panels);

}  // namespace hone
