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
  // The same for the first n keys (B = K^T) and values (B = V) of a cache.
  void pack_cached_keys(const KvLayer& cache, size_t head, size_t dim, size_t n, uint32_t* panels) const;
  void pack_cached_values(const KvLayer& cache, size_t head, size_t dim, size_t n, uint32_t* panels) const;

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
