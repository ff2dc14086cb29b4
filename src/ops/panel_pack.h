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

// A kind of panels. kStepK, kMostK: slices of K begin at multiples of it, and are at most so long.
// kAsksItself: packing asks for what it reads next, so that nobody need do so before. factors: what products
// are multiplied by where panels have scales, n_factors() for each panel.
struct F32Panels {
  static constexpr size_t kStepK = 32, kMostK = kMaxSliceK;
  static constexpr bool kAsksItself = false;
  static size_t n_factors(const Kernels&) noexcept { return 0; }
  static size_t depth(size_t k) noexcept { return k; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.tile_n, ks.tile_n}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

struct Bf16Panels {
  static constexpr size_t kStepK = 32, kMostK = kMaxSliceK;
  static constexpr bool kAsksItself = false;
  static size_t n_factors(const Kernels&) noexcept { return 0; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.tile_m_bf16; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.tile_n_bf16, ks.tile_n_bf16}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// Stored halves as they are, where their scale allows; everything else by way of f32, because a panel's scale
// is known when all of it is.
struct F16Panels {
  static constexpr size_t kStepK = 32, kMostK = kMaxSliceK;
  static constexpr bool kAsksItself = false;
  static size_t n_factors(const Kernels&) noexcept { return 1; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.f16->tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return ks.f16->widths; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// By way of f32: a column's scale is known when all of it is.
struct I16Panels {
  static constexpr size_t kStepK = kI16Run, kMostK = kMaxSliceK;
  static constexpr bool kAsksItself = false;
  static size_t n_factors(const Kernels& ks) noexcept { return ks.i16->tile_n; }
  static size_t depth(size_t k) noexcept { return (k + 1) / 2; }
  static size_t tile_m(const Kernels& ks) noexcept { return ks.i16->tile_m; }
  static PanelWidths widths(const Kernels& ks) noexcept { return {ks.i16->tile_n, ks.i16->tile_n}; }
  static void pack(const Kernels& ks, WeightLayout layout, const PanelSlice& slice, uint32_t* panels,
                   float* factors);
};

// Codes of 8 bits, four consecutive k in one element, with a scale for each 32 of k of a column; by way of
// f32, as a scale is known when its run is.
struct Int8Panels {
  static constexpr size_t kStepK = 32, kMostK = kMaxInt8SliceK;
  static constexpr bool kAsksItself = true;
  static size_t n_factors(const Kernels& ks) noexcept { return kMostK / kStepK * ks.int8()->panel_cols; }
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
