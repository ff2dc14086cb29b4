// W unpacked into the panels that the tile kernels read, for a slice of K: [n / tile_n][k][tile_n], in f32,
// or in bf16, f16 or 16-bit fixed point with two consecutive k in one element (an odd last k is paired with
// zero). Columns beyond n are zero; a last panel of few columns may be narrower (PanelWidths).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/panel_widths.h"
#include "ops/matrix.h"

namespace hone {

enum class WeightLayout {
  kNt,  // W stored (N, K)
  kNn,  // W stored (K, N)
};

// Columns [n0, n0 + cols) of the product's N, slice [k0, k0 + kc) of its K. With kNt W is stored (N, K), with
// kNn (K, N); k0 and n0 are on block boundaries of the format, k0 is even.
struct PanelSlice {
  const MatrixView& w;
  size_t n0, cols, k0, kc;
};

// Slices of K at most. 32 columns of it in bf16 are 36 KB: read in order, they come from the L2 cache in
// time, and longer slices store C less often.
constexpr size_t kMaxSliceK = 576;
// In int8: 48 columns of it are 18 KB, beside which four rows of A stay in an L1 cache of 32 KB.
constexpr size_t kMaxInt8SliceK = 384;

// The stored bytes of a slice that will be unpacked later, asked for line by line while something else is
// computed: its strips are too short for the processor to guess, and would otherwise wait for memory one by
// one.
class SliceAhead {
 public:
  SliceAhead() = default;
  SliceAhead(WeightLayout layout, const PanelSlice& slice);
  size_t n_lines() const noexcept { return n_strips_ * (strip_ / kLine + 1); }
  void ask(size_t n_lines) noexcept;

 private:
  static constexpr size_t kLine = 64;
  const std::byte *first_ = nullptr, *at_ = nullptr;
  size_t stride_ = 0, strip_ = 0, n_strips_ = 0;
};

// What kinds of panels have in common unless they say otherwise. kStepK, most_k: slices of K begin at
// multiples of the one and are at most as long as the other. block_m: rows of A that are multiplied by a
// slice's panels before others are. step_m: where rows are cut. rows_by_thread:
// every thread has rows of its own, in this product as in the next and in what is done row by row between
// them: where products are fast, the other threads' caches are far. kAsksItself: packing asks for what it
// reads next, so that nobody need do so before.
struct PanelKind {
  static constexpr size_t kStepK = 32;
  static constexpr bool kAsksItself = false;
  static size_t most_k(const Kernels&) noexcept { return kMaxSliceK; }
  static size_t block_m(const Kernels&) noexcept { return 192; }  // in the L2 cache: 221 KB of a slice
  static size_t step_m(const Kernels&) noexcept { return 12; }
  static bool rows_by_thread(const Kernels&) noexcept { return false; }
};

// A kind of panels. factors: what products are multiplied by where panels have scales, n_factors() for each
// panel.
struct F32Panels : PanelKind {
  static size_t n_factors(const Kernels&) noexcept { return 0; }
  static size_t depth(size_t k) noexcept { return k; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.tile_n, ks.tile_n}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

struct Bf16Panels : PanelKind {
  static size_t most_k(const Kernels& ks) noexcept { return ks.bf16_slice_k; }
  static size_t block_m(const Kernels& ks) noexcept { return ks.bf16_block_m; }
  static size_t step_m(const Kernels& ks) noexcept { return ks.tile_m_bf16; }
  static bool rows_by_thread(const Kernels& ks) noexcept { return ks.bf16_outruns_int8; }
  static size_t n_factors(const Kernels&) noexcept { return 0; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.tile_m_bf16; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.tile_n_bf16, ks.tile_n_bf16}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// Stored halves as they are, where their scale allows; everything else by way of f32, because a panel's scale
// is known when all of it is.
struct F16Panels : PanelKind {
  static size_t n_factors(const Kernels&) noexcept { return 1; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.f16->tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return ks.f16->widths; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// By way of f32: a column's scale is known when all of it is.
struct I16Panels : PanelKind {
  static constexpr size_t kStepK = kI16Run;
  static size_t n_factors(const Kernels& ks) noexcept { return ks.i16->tile_n; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.i16->tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.i16->tile_n, ks.i16->tile_n}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// Codes of 8 bits, four consecutive k in one element, with a scale for each 32 of k of a column; by way of
// f32, as a scale is known when its run is.
struct Int8Panels : PanelKind {
  static constexpr bool kAsksItself = true;
  static size_t most_k(const Kernels&) noexcept { return kMaxInt8SliceK; }
  static size_t n_factors(const Kernels& ks) noexcept {
    return kMaxInt8SliceK / kStepK * ks.int8()->panel_cols;
  }
  static size_t depth(size_t k) noexcept { return k / 4; }
  // Tiles of any number of rows.
  static size_t tile_m(const Kernels& ks) noexcept { return 12 * ks.int8()->tile_rows; }
  static PanelWidths widths(const Kernels& ks) noexcept {
    return {ks.int8()->panel_cols, ks.int8()->panel_cols};
  }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

}  // namespace hone
