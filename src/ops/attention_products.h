// The small products of attention, in f32, bf16 or f16: B is packed into the tile kernels' panels once and
// used by many rows of A. Panels: [n / tile_n][k][tile_n], in halves two consecutive k in one element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "ops/context.h"

namespace hone {

class KvLayer;

// A packed B, and what products with it are multiplied by: the reciprocal of its scale in f16, otherwise 1.
struct AttentionPanels {
  uint32_t* panels = nullptr;
  float factor = 1;
};

// The operand A: element (i, j) at a[i * row + j * col], one of the two steps being 1.
struct AttentionRows {
  const float* a;
  size_t row, col = 1;
  float bound = 0;  // that no element exceeds in size, as far as known; 0: it is looked for where it matters
};

class AttentionProducts {
 public:
  explicit AttentionProducts(ComputeMode mode);

  // Query rows of a tile of scores: whole tiles of the kernels.
  size_t query_rows() const noexcept { return (47 + tile_m_) / tile_m_ * tile_m_; }

  // 32-bit elements of panels for B (k, n).
  size_t panel_size(size_t k, size_t n) const noexcept;
  // B = x^T: x (n, k) with row stride.
  void pack_transposed(const float* x, size_t stride, size_t n, size_t k, AttentionPanels& out) const;
  // B = x: x (k, n) with row stride.
  // bound: as AttentionRows'.
  void pack_direct(const float* x, size_t stride, size_t k, size_t n, AttentionPanels& out,
                   float bound = 0) const;
  // The same for keys (B = K^T) and values (B = V) [begin, begin + n) of a cache; begin a multiple of its
  // blocks.
  void pack_cached_keys(const KvLayer& cache, size_t head, size_t dim, size_t begin, size_t n,
                        AttentionPanels& out) const;
  void pack_cached_values(const KvLayer& cache, size_t head, size_t dim, size_t begin, size_t n,
                          AttentionPanels& out) const;

  // The largest multiple of a panel's width up to n: where multiply() may start in columns or in rows.
  size_t round_down(size_t n) const noexcept { return n / tile_n_ * tile_n_; }
  // Panels of B (k, n) without their first columns, and without their first rows.
  AttentionPanels skip_columns(const AttentionPanels& b, size_t columns, size_t k) const noexcept {
    return {b.panels + columns * depth(k), b.factor};
  }
  AttentionPanels skip_rows(const AttentionPanels& b, size_t rows) const noexcept {
    return {b.panels + depth(rows) * tile_n_, b.factor};
  }

  // C (m, n) = or += alpha * A B; panels are total_k deep, the first k are used.
  void multiply(size_t m, size_t n, size_t k, size_t total_k, const AttentionRows& a,
                const AttentionPanels& b, float* c, size_t ldc, float alpha, bool accumulate) const;

 private:
  // A in halves, and what its rows' products are multiplied by.
  struct HalfRows {
    const uint32_t* pairs;
    const float* factors;
  };
  bool halves() const noexcept { return kind_ != FloatProducts::kF32; }
  size_t depth(size_t k) const noexcept { return halves() ? (k + 1) / 2 : k; }
  // The scale of an operand (rows, cols) whose elements are at most `bound`, or unknown.
  float scale_of(const float* x, size_t stride, size_t rows, size_t cols, float bound) const noexcept;
  // (k + 1) / 2 pairs of a row.
  void halve_row(size_t k, float scale, const float* x, uint32_t* pairs) const noexcept;
  void pair(size_t n, float scale, const float* even, const float* odd, uint32_t* out) const noexcept;
  HalfRows halves_of(size_t m, size_t k, const AttentionRows& rows) const;

  const Kernels& ks_;
  FloatProducts kind_;
  size_t tile_m_, tile_n_;
};

}  // namespace hone
