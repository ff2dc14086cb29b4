#include "ops/attention_products.h"

#include <algorithm>
#include <cstring>

#include "ops/halves.h"
#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr float kZeros[64] = {};  // beside an odd last row

FloatProducts products_of(ComputeMode mode) noexcept {
  if (!multiplies_in_halves(mode)) return FloatProducts::kF32;
  return active_kernels().f16 != nullptr ? FloatProducts::kF16 : FloatProducts::kBf16;
}

}  // namespace

AttentionProducts::AttentionProducts(ComputeMode mode)
    : ks_(active_kernels()), kind_(products_of(mode)), tile_m_(ks_.tile_m), tile_n_(ks_.tile_n) {
  if (kind_ == FloatProducts::kBf16) {
    tile_m_ = ks_.tile_m_bf16;
    tile_n_ = ks_.tile_n_bf16;
  } else if (kind_ == FloatProducts::kF16) {
    tile_m_ = ks_.f16->tile_m;
    tile_n_ = ks_.f16->tile_n;
  }
}

size_t AttentionProducts::panel_size(size_t k, size_t n) const noexcept {
  return (n + tile_n_ - 1) / tile_n_ * tile_n_ * depth(k);
}

float AttentionProducts::scale_of(const float* x, size_t stride, size_t rows, size_t cols) const noexcept {
  if (kind_ != FloatProducts::kF16) return 1;
  return f16_scale(ks_.f16->largest(rows, cols, stride, x));
}

void AttentionProducts::halve(size_t n, float scale, const float* x, uint16_t* out) const noexcept {
  if (kind_ == FloatProducts::kF16)
    ks_.f16->halve(n, scale, x, out);
  else
    ks_.f32_to_bf16(n, x, out);
}

void AttentionProducts::pair(size_t n, float scale, const float* even, const float* odd,
                             uint32_t* out) const noexcept {
  if (kind_ == FloatProducts::kF16)
    ks_.f16->pair(n, scale, even, odd, out);
  else
    ks_.pair_bf16(n, even, odd, out);
}

void AttentionProducts::pack_transposed(const float* x, size_t stride, size_t n, size_t k,
                                        AttentionPanels& b) const {
  const size_t rows = depth(k);
  const float scale = scale_of(x, stride, n, k);
  b.factor = 1.0f / scale;
  uint32_t* out = b.panels;
  for (size_t first = 0; first < n; first += tile_n_, out += tile_n_ * rows) {
    const size_t width = std::min(tile_n_, n - first);
    if (width < tile_n_) std::memset(out, 0, tile_n_ * rows * sizeof(uint32_t));
    const auto* in = reinterpret_cast<const uint32_t*>(x + first * stride);
    size_t in_stride = stride;
    if (halves()) {
      in = halves_of(width, k, x + first * stride, stride, 1, scale).pairs;
      in_stride = rows;
    }
    ks_.transpose32(width, rows, in, in_stride, out, tile_n_);
  }
}

void AttentionProducts::pack_direct(const float* x, size_t stride, size_t k, size_t n,
                                    AttentionPanels& b) const {
  const float scale = scale_of(x, stride, k, n);
  b.factor = 1.0f / scale;
  for (size_t first = 0; first < n; first += tile_n_) {
    const size_t width = std::min(tile_n_, n - first);
    uint32_t* out = b.panels + first * depth(k);
    const float* in = x + first;
    if (!halves()) {
      for (size_t i = 0; i < k; ++i, out += tile_n_, in += stride) {
        std::memcpy(out, in, width * sizeof(float));
        std::memset(out + width, 0, (tile_n_ - width) * sizeof(float));
      }
      continue;
    }
    for (size_t i = 0; i < k; i += 2, out += tile_n_, in += 2 * stride) {
      pair(width, scale, in, i + 1 < k ? in + stride : kZeros, out);
      std::memset(out + width, 0, (tile_n_ - width) * sizeof(uint32_t));
    }
  }
}

void AttentionProducts::pack_cached_keys(const KvLayer& cache, size_t head, size_t dim, size_t begin,
                                         size_t n, AttentionPanels& b) const {
  constexpr size_t kBlock = KvLayer::kBlock;
  const size_t blocks = (n + kBlock - 1) / kBlock, rows = depth(dim), step = std::min(kBlock, tile_n_);
  float* decoded = scratch<float>(blocks * kBlock * dim, ScratchSlot::kWide);
  cache.decode_keys(head, begin, n, decoded);
  if (n % kBlock != 0)  // what lies behind the keys is no part of the scale
    for (size_t i = 0; i < dim; ++i) {
      float* row = decoded + ((blocks - 1) * dim + i) * kBlock;
      std::fill(row + n % kBlock, row + kBlock, 0.0f);
    }
  const float scale = scale_of(decoded, kBlock * dim, blocks, kBlock * dim);
  b.factor = 1.0f / scale;
  std::memset(b.panels, 0, panel_size(dim, n) * sizeof(uint32_t));
  for (size_t key = 0; key < n; key += step) {
    uint32_t* out = b.panels + key / tile_n_ * tile_n_ * rows + key % tile_n_;
    const float* in = decoded + key / kBlock * kBlock * dim + key % kBlock;
    for (size_t i = 0; i < rows; ++i, out += tile_n_) {
      if (halves())
        pair(step, scale, in + 2 * i * kBlock, in + (2 * i + 1) * kBlock, out);
      else
        std::memcpy(out, in + i * kBlock, step * sizeof(float));
    }
  }
}

void AttentionProducts::pack_cached_values(const KvLayer& cache, size_t head, size_t dim, size_t begin,
                                           size_t n, AttentionPanels& b) const {
  float* decoded = scratch<float>(n * dim, ScratchSlot::kWide);
  cache.decode_values(head, begin, n, decoded);
  pack_direct(decoded, dim, n, dim, b);
}

// Pairs [m][(k + 1) / 2].
AttentionProducts::HalfRows AttentionProducts::halves_of(size_t m, size_t k, const float* a, size_t a_row,
                                                         size_t a_col, float scale) const {
  const size_t pairs = (k + 1) / 2;
  auto* out = scratch<uint32_t>(m * pairs, ScratchSlot::kPairs);
  float* factors = scratch<float>(m, ScratchSlot::kRowScales);
  if (a_col != 1) {
    float* rows = scratch<float>(m * 2 * pairs, ScratchSlot::kOdd);
    ks_.transpose32(k, m, reinterpret_cast<const uint32_t*>(a), a_col, reinterpret_cast<uint32_t*>(rows),
                    2 * pairs);
    a = rows;
    a_row = 2 * pairs;
  }
  for (size_t i = 0; i < m; ++i) {
    const float row_scale = scale != 0 ? scale : scale_of(a + i * a_row, a_row, 1, k);
    factors[i] = 1.0f / row_scale;
    halve(k, row_scale, a + i * a_row, reinterpret_cast<uint16_t*>(out + i * pairs));
    if (k % 2 != 0) reinterpret_cast<uint16_t*>(out + i * pairs)[k] = 0;
  }
  return {out, factors};
}

void AttentionProducts::multiply(size_t m, size_t n, size_t k, size_t total_k, const float* a, size_t a_row,
                                 size_t a_col, const AttentionPanels& b, float* c, size_t ldc, float alpha,
                                 bool accumulate) const {
  const HalfRows rows = halves() ? halves_of(m, k, a, a_row, a_col, 0) : HalfRows{};
  for (size_t j = 0; j < n; j += tile_n_) {
    const size_t width = std::min(tile_n_, n - j);
    const uint32_t* panel = b.panels + j * depth(total_k);
    for (size_t i = 0; i < m; i += tile_m_) {
      const size_t mr = std::min(tile_m_, m - i);
      float* out = c + i * ldc + j;
      if (kind_ == FloatProducts::kF16)
        ks_.f16->tile(mr, width, depth(k), rows.pairs + i * depth(k), depth(k), panel, out, ldc,
                      rows.factors + i, alpha * b.factor, accumulate);
      else if (kind_ == FloatProducts::kBf16)
        ks_.tile_bf16(mr, width, depth(k), rows.pairs + i * depth(k), depth(k), panel, out, ldc, alpha,
                      accumulate);
      else
        ks_.tile_f32(mr, width, k, a + i * a_row, a_row, a_col, reinterpret_cast<const float*>(panel),
                     tile_n_, out, ldc, alpha, accumulate);
    }
  }
}

}  // namespace hone
