#include "ops/attention_products.h"

#include <algorithm>
#include <cstring>

#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {

AttentionProducts::AttentionProducts(bool bf16)
    : ks_(active_kernels()),
      bf16_(bf16 && ks_.tile_bf16 != nullptr),
      tile_n_(bf16_ ? ks_.tile_n_bf16 : ks_.tile_n) {}

size_t AttentionProducts::panel_size(size_t k, size_t n) const noexcept {
  return (n + tile_n_ - 1) / tile_n_ * tile_n_ * depth(k);
}

void AttentionProducts::pack_transposed(const float* x, size_t stride, size_t n, size_t k,
                                        uint32_t* panels) const {
  const size_t rows = depth(k);
  for (size_t first = 0; first < n; first += tile_n_, panels += tile_n_ * rows) {
    const size_t width = std::min(tile_n_, n - first);
    if (width < tile_n_) std::memset(panels, 0, tile_n_ * rows * sizeof(uint32_t));
    const auto* in = reinterpret_cast<const uint32_t*>(x + first * stride);
    size_t in_stride = stride;
    if (bf16_) {
      in = halves_of(width, k, x + first * stride, stride, 1);
      in_stride = rows;
    }
    ks_.transpose32(width, rows, in, in_stride, panels, tile_n_);
  }
}

void AttentionProducts::pack_direct(const float* x, size_t stride, size_t k0, size_t k, size_t n,
                                    size_t total_k, uint32_t* panels) const {
  for (size_t first = 0; first < n; first += tile_n_) {
    const size_t width = std::min(tile_n_, n - first);
    uint32_t* out = panels + first * depth(total_k) + depth(k0) * tile_n_;
    const float* in = x + first;
    if (!bf16_) {
      for (size_t i = 0; i < k; ++i, out += tile_n_, in += stride) {
        std::memcpy(out, in, width * sizeof(float));
        std::memset(out + width, 0, (tile_n_ - width) * sizeof(float));
      }
      continue;
    }
    static constexpr float kZeros[64] = {};
    for (size_t i = 0; i < k; i += 2, out += tile_n_, in += 2 * stride) {
      ks_.pair_bf16(width, in, i + 1 < k ? in + stride : kZeros, out);
      std::memset(out + width, 0, (tile_n_ - width) * sizeof(uint32_t));
    }
  }
}

void AttentionProducts::pack_cached_keys(const KvLayer& cache, size_t head, size_t dim, size_t begin,
                                         size_t n, uint32_t* panels) const {
  constexpr size_t kBlock = KvLayer::kBlock;
  float* block = scratch<float>(kBlock * dim, ScratchSlot::kDecoded);
  const size_t rows = depth(dim), step = std::min(kBlock, tile_n_);
  std::memset(panels, 0, panel_size(dim, n) * sizeof(uint32_t));
  for (size_t first = 0; first < n; first += kBlock) {
    cache.decode_keys(head, begin + first, kBlock, block);
    for (size_t key = first; key < first + kBlock && key < n; key += step) {
      uint32_t* out = panels + key / tile_n_ * tile_n_ * rows + key % tile_n_;
      const float* in = block + key % kBlock;
      for (size_t i = 0; i < rows; ++i, out += tile_n_) {
        if (bf16_)
          ks_.pair_bf16(step, in + 2 * i * kBlock, in + (2 * i + 1) * kBlock, out);
        else
          std::memcpy(out, in + i * kBlock, step * sizeof(float));
      }
    }
  }
}

void AttentionProducts::pack_cached_values(const KvLayer& cache, size_t head, size_t dim, size_t begin,
                                           size_t n, uint32_t* panels) const {
  constexpr size_t kRows = 64;
  float* rows = scratch<float>(kRows * dim, ScratchSlot::kDecoded);
  for (size_t first = 0; first < n; first += kRows) {
    const size_t count = std::min(kRows, n - first);
    cache.decode_values(head, begin + first, count, rows);
    pack_direct(rows, dim, first, count, dim, n, panels);
  }
}

// A as bf16 pairs [m][(k + 1) / 2].
const uint32_t* AttentionProducts::halves_of(size_t m, size_t k, const float* a, size_t a_row,
                                             size_t a_col) const {
  const size_t pairs = (k + 1) / 2;
  auto* out = scratch<uint32_t>(m * pairs, ScratchSlot::kPairs);
  if (a_col != 1) {
    float* rows = scratch<float>(m * 2 * pairs, ScratchSlot::kOdd);
    ks_.transpose32(k, m, reinterpret_cast<const uint32_t*>(a), a_col, reinterpret_cast<uint32_t*>(rows),
                    2 * pairs);
    a = rows;
    a_row = 2 * pairs;
  }
  for (size_t i = 0; i < m; ++i) {
    ks_.f32_to_bf16(k, a + i * a_row, reinterpret_cast<uint16_t*>(out + i * pairs));
    if (k % 2 != 0) reinterpret_cast<uint16_t*>(out + i * pairs)[k] = 0;
  }
  return out;
}

void AttentionProducts::multiply(size_t m, size_t n, size_t k, size_t total_k, const float* a, size_t a_row,
                                 size_t a_col, const uint32_t* panels, float* c, size_t ldc, float alpha,
                                 bool accumulate) const {
  const size_t tile_m = bf16_ ? ks_.tile_m_bf16 : ks_.tile_m;
  const uint32_t* halves = bf16_ ? halves_of(m, k, a, a_row, a_col) : nullptr;
  for (size_t j = 0; j < n; j += tile_n_) {
    const size_t width = std::min(tile_n_, n - j);
    const uint32_t* panel = panels + j * depth(total_k);
    for (size_t i = 0; i < m; i += tile_m) {
      const size_t rows = std::min(tile_m, m - i);
      if (bf16_)
        ks_.tile_bf16(rows, width, depth(k), halves + i * depth(k), depth(k), panel, c + i * ldc + j, ldc,
                      alpha, accumulate);
      else
        ks_.tile_f32(rows, width, k, a + i * a_row, a_row, a_col, reinterpret_cast<const float*>(panel),
                     tile_n_, c + i * ldc + j, ldc, alpha, accumulate);
    }
  }
}

}  // namespace hone
