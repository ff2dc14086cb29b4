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
    tile_n_ = ks_.f16->widths.most;
  }
}

size_t AttentionProducts::panel_size(size_t k, size_t n) const noexcept {
  return (n + tile_n_ - 1) / tile_n_ * tile_n_ * depth(k);
}

float AttentionProducts::scale_of(const float* x, size_t stride, size_t rows, size_t cols,
                                  float bound) const noexcept {
  if (kind_ != FloatProducts::kF16) return 1;
  return f16_scale(bound > 0 ? bound : ks_.f16->largest(rows, cols, stride, x));
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
  const float scale = scale_of(x, stride, n, k, 0);
  b.factor = 1.0f / scale;
  uint32_t* out = b.panels;
  for (size_t first = 0; first < n; first += tile_n_, out += tile_n_ * rows) {
    const size_t width = std::min(tile_n_, n - first);
    if (width < tile_n_) std::memset(out, 0, tile_n_ * rows * sizeof(uint32_t));
    const auto* in = reinterpret_cast<const uint32_t*>(x + first * stride);
    size_t in_stride = stride;
    if (halves()) {
      // One scale for all, unlike rows of A.
      auto* halves = scratch<uint32_t>(width * rows, ScratchSlot::kPairs);
      for (size_t i = 0; i < width; ++i) halve_row(k, scale, x + (first + i) * stride, halves + i * rows);
      in = halves;
      in_stride = rows;
    }
    ks_.transpose32(width, rows, in, in_stride, out, tile_n_);
  }
}

void AttentionProducts::pack_direct(const float* x, size_t stride, size_t k, size_t n, AttentionPanels& b,
                                    float bound) const {
  const float scale = scale_of(x, stride, k, n, bound);
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
  const float scale = scale_of(decoded, kBlock * dim, blocks, kBlock * dim, 0);
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

void AttentionProducts::halve_row(size_t k, float scale, const float* x, uint32_t* pairs) const noexcept {
  auto* out = reinterpret_cast<uint16_t*>(pairs);
  to_halves(ks_, k, scale, x, out);
  if (k % 2 != 0) out[k] = 0;
}

AttentionProducts::HalfRows AttentionProducts::halves_of(size_t m, size_t k,
                                                         const AttentionRows& rows) const {
  const size_t pairs = (k + 1) / 2;
  auto* out = scratch<uint32_t>(m * pairs, ScratchSlot::kPairs);
  float* factors = scratch<float>(m, ScratchSlot::kRowScales);
  const float* a = rows.a;
  size_t stride = rows.row;
  if (rows.col != 1) {
    stride = 2 * pairs;
    float* turned = scratch<float>(m * stride, ScratchSlot::kOdd);
    ks_.transpose32(k, m, reinterpret_cast<const uint32_t*>(a), rows.col, reinterpret_cast<uint32_t*>(turned),
                    stride);
    a = turned;
  }
  for (size_t i = 0; i < m; ++i, a += stride) {
    const float scale = scale_of(a, stride, 1, k, rows.bound);
    factors[i] = 1.0f / scale;
    halve_row(k, scale, a, out + i * pairs);
  }
  return {out, factors};
}

void AttentionProducts::multiply(size_t m, size_t n, size_t k, size_t total_k, const AttentionRows& a,
                                 const AttentionPanels& b, float* c, size_t ldc, float alpha,
                                 bool accumulate) const {
  const HalfRows rows = halves() ? halves_of(m, k, a) : HalfRows{};
  for (size_t j = 0; j < n; j += tile_n_) {
    const size_t width = std::min(tile_n_, n - j);
    const uint32_t* panel = b.panels + j * depth(total_k);
    for (size_t i = 0; i < m; i += tile_m_) {
      const size_t mr = std::min(tile_m_, m - i);
      float* out = c + i * ldc + j;
      if (kind_ == FloatProducts::kF16)
        ks_.f16->tile(mr, width, depth(k), rows.pairs + i * depth(k), depth(k), panel, tile_n_, out, ldc,
                      rows.factors + i, alpha * b.factor, accumulate);
      else if (kind_ == FloatProducts::kBf16)
        ks_.tile_bf16(mr, width, depth(k), rows.pairs + i * depth(k), depth(k), panel, out, ldc, alpha,
                      accumulate);
      else
        ks_.tile_f32(mr, width, k, a.a + i * a.row, a.row, a.col, reinterpret_cast<const float*>(panel),
                     tile_n_, out, ldc, alpha, accumulate);
    }
  }
}

}  // namespace hone
