// The small products of attention, in bf16 or f32: B is packed into the tile kernels' panels once and used by
// many rows of A. Panels: [n / tile_n][k][tile_n], in bf16 two consecutive k in one element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace hone {

class KvLayer;

class AttentionProducts {
 public:
  explicit AttentionProducts(bool bf16);

  // 32-bit elements of panels for B (k, n).
  size_t panel_size(size_t k, size_t n) const noexcept;
  // B = x^T: x (n, k) with row stride.
  void pack_transposed(const float* x, size_t stride, size_t n, size_t k, uint32_t* panels) const;
  // B = x: x (k, n) with row stride, into rows [k0, k0 + k) of panels that are total_k deep; k0 even.
  void pack_direct(const float* x, size_t stride, size_t k0, size_t k, size_t n, size_t total_k,
                   uint32_t* panels) const;
  // The same for keys (B = K^T) and values (B = V) [begin, begin + n) of a cache; begin a multiple of its
  // blocks.
  void pack_cached_keys(const KvLayer& cache, size_t head, size_t dim, size_t begin, size_t n,
                        uint32_t* panels) const;
  void pack_cached_values(const KvLayer& cache, size_t head, size_t dim, size_t begin, size_t n,
                          uint32_t* panels) const;

  // The largest multiple of a panel's width up to n: where multiply() may start in columns or in rows.
  size_t round_down(size_t n) const noexcept { return n / tile_n_ * tile_n_; }
  // Panels of B (k, n) without their first columns, and without their first rows.
  const uint32_t* skip_columns(const uint32_t* panels, size_t columns, size_t k) const noexcept {
    return panels + columns * depth(k);
  }
  const uint32_t* skip_rows(const uint32_t* panels, size_t rows) const noexcept {
    return panels + depth(rows) * tile_n_;
  }

  // C (m, n) = or += alpha * A B. A(i, j) at a[i * a_row + j * a_col], one of the two steps being 1; panels
  // are total_k deep, the first k are used. With a_col == 1, bf16 and odd k, a[i * a_row + k] must be
  // readable.
  void multiply(size_t m, size_t n, size_t k, size_t total_k, const float* a, size_t a_row, size_t a_col,
                const uint32_t* panels, float* c, size_t ldc, float alpha, bool accumulate) const;

 private:
  size_t depth(size_t k) const noexcept { return bf16_ ? (k + 1) / 2 : k; }
  const uint32_t* halves_of(size_t m, size_t k, const float* a, size_t a_row, size_t a_col) const;

  const Kernels& ks_;
  bool bf16_;
  size_t tile_n_;
};

}  // namespace hone
