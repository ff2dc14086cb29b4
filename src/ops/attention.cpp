// Causal grouped-query attention in tiles of query rows. A task owns a piece of one sequence's rows and one
// key/value head: keys and values are packed once into the tile kernels' panels and used by every query head
// of the group. A tile of kRows x (visible keys) scores is the largest thing stored; T x T never is. A few
// rows against a cache (decoding) read it as it stands.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/attention_internal.h"
#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kRows = 48;  // query rows of a tile: a multiple of the tile kernels' rows
constexpr size_t kPieceRows = 4 * kRows;
constexpr size_t kFewQueries = 4;      // up to here a cache is read as it stands
constexpr size_t kSerialWork = 16384;  // query x key x dimension products that one thread does at once

struct Piece {
  const AttentionSegment* segment;
  size_t first, n_rows, visible;  // rows of the segment; keys that the last of them sees
};

std::vector<Piece> pieces_of(std::span<const AttentionSegment> segments) {
  std::vector<Piece> pieces;
  for (const AttentionSegment& s : segments)
    for (size_t r = 0; r < s.n_rows; r += kPieceRows) {
      const size_t rows = std::min(kPieceRows, s.n_rows - r);
      pieces.push_back({&s, r, rows, s.kv_length - s.n_rows + r + rows});
    }
  return pieces;
}

// exp(scale * score - max) of the visible prefix of a row, zeros up to `width`; 1 / sum is returned.
float soften(const Kernels& ks, float* row, size_t visible, size_t width, float scale, float* lse) {
  const float largest = ks.max(visible, row) * scale;
  const double sum = ks.exp_sum(visible, scale, largest, row, row);
  std::memset(row + visible, 0, (width - visible) * sizeof(float));
  if (lse != nullptr) *lse = largest + static_cast<float>(std::log(sum));
  return static_cast<float>(1.0 / sum);
}

struct Forward {
  const AttentionProducts& products;
  const AttentionGeometry& g;
  const Tensor &q, &k, &v;
  Tensor& y;
  Tensor* lse;

  void run(const Piece& piece, size_t kv_head) const {
    const size_t d = g.shape.head_dim, n = piece.visible;
    auto* key_panels = scratch<uint32_t>(products.panel_size(d, n), ScratchSlot::kPanels);
    auto* value_panels = scratch<uint32_t>(products.panel_size(n, d), ScratchSlot::kScales);
    const AttentionSegment& s = *piece.segment;
    if (s.cache != nullptr) {
      products.pack_cached_keys(*s.cache, kv_head, d, n, key_panels);
      products.pack_cached_values(*s.cache, kv_head, d, n, value_panels);
    } else {
      products.pack_transposed(k.row(s.begin) + kv_head * d, g.kv_stride, n, d, key_panels);
      products.pack_direct(v.row(s.begin) + kv_head * d, g.kv_stride, 0, n, d, n, value_panels);
    }
    const size_t stride = (n + 16) / 16 * 16;
    float* scores = scratch<float>(kRows * stride, ScratchSlot::kConverted);
    for (size_t head = kv_head * g.group; head < (kv_head + 1) * g.group; ++head)
      for (size_t r = 0; r < piece.n_rows; r += kRows)
        tile(piece, head, r, std::min(kRows, piece.n_rows - r), key_panels, value_panels, scores, stride);
  }

  void tile(const Piece& piece, size_t head, size_t r, size_t rows, const uint32_t* key_panels,
            const uint32_t* value_panels, float* scores, size_t stride) const {
    const Kernels& ks = active_kernels();
    const size_t d = g.shape.head_dim, first = piece.segment->begin + piece.first + r;
    const size_t before = piece.visible - piece.n_rows + r, width = before + rows;
    float inverse[kRows];
    products.multiply(rows, width, d, d, q.row(first) + head * d, g.q_stride, 1, key_panels, scores, stride,
                      1.0f, false);
    for (size_t i = 0; i < rows; ++i)
      inverse[i] = soften(ks, scores + i * stride, before + i + 1, width, g.shape.scale,
                          lse != nullptr ? lse->row(first + i) + head : nullptr);
    products.multiply(rows, d, width, piece.visible, scores, stride, 1, value_panels, y.row(first) + head * d,
                      g.q_stride, 1.0f, false);
    for (size_t i = 0; i < rows; ++i) {
      float* out = y.row(first + i) + head * d;
      for (size_t j = 0; j < d; ++j) out[j] *= inverse[i];
    }
  }
};

// Queries [head, head + n_heads) of one row against the first `visible` keys of a cache.
void attend_cached(const AttentionGeometry& g, const KvLayer& cache, const float* queries, size_t kv_head,
                   size_t n_heads, size_t visible, float* out) {
  const Kernels& ks = active_kernels();
  const size_t d = g.shape.head_dim, blocks = (visible + KvLayer::kBlock - 1) / KvLayer::kBlock;
  const size_t stride = blocks * KvLayer::kBlock;
  float* scores = scratch<float>(n_heads * stride, ScratchSlot::kConverted);
  const bool f32 = cache.format() == KvFormat::kF32;
  (f32 ? ks.attend_scores_f32 : ks.attend_scores_f16)(n_heads, d, blocks, queries, d, cache.keys(kv_head),
                                                      scores, stride);
  for (size_t i = 0; i < n_heads; ++i) {
    float* row = scores + i * stride;
    const float inverse = soften(ks, row, visible, visible, g.shape.scale, nullptr);
    for (size_t key = 0; key < visible; ++key) row[key] *= inverse;
  }
  (f32 ? ks.attend_mix_f32 : ks.attend_mix_f16)(n_heads, d, visible, scores, stride, cache.values(kv_head),
                                                out, d);
}

// Every row of every head is one unit of work; neighbours of a group share what they read.
void attend_few(const AttentionGeometry& g, const Tensor& q, const AttentionSegment& s, Tensor& y) {
  const size_t d = g.shape.head_dim, heads = g.shape.n_heads, work = s.n_rows * heads * s.kv_length * d;
  const auto visible = [&](size_t r) { return s.kv_length - s.n_rows + r + 1; };
  if (work <= kSerialWork || thread_pool().size() == 1) {
    for (size_t r = 0; r < s.n_rows; ++r)
      for (size_t head = 0; head < heads; head += g.group)
        attend_cached(g, *s.cache, q.row(s.begin + r) + head * d, head / g.group, g.group, visible(r),
                      y.row(s.begin + r) + head * d);
    return;
  }
  thread_pool().run(s.n_rows * heads, [&](size_t i, int) {
    const size_t r = i / heads, head = i % heads;
    attend_cached(g, *s.cache, q.row(s.begin + r) + head * d, head / g.group, 1, visible(r),
                  y.row(s.begin + r) + head * d);
  });
}

}  // namespace

Tensor attention(OpContext& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& shape, std::span<const AttentionSegment> segments) {
  const AttentionGeometry g{shape, shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim,
                            shape.n_heads / shape.n_kv_heads};
  HONE_CHECK(q.cols() == g.q_stride && k.cols() == g.kv_stride && v.cols() == g.kv_stride);
  std::vector<AttentionSegment> runs(segments.begin(), segments.end());
  size_t covered = 0;
  bool cached = false;
  for (AttentionSegment& s : runs) {
    cached = cached || s.cache != nullptr;
    if (s.cache == nullptr) s.kv_length = s.n_rows;
    HONE_CHECK(s.kv_length >= s.n_rows && s.begin == covered);
    covered += s.n_rows;
  }
  HONE_CHECK(covered == q.rows(), "segments cover {} of {} rows", covered, q.rows());
  const bool train = ctx.tape != nullptr &&
                     (ctx.tape->requires_grad(q) || ctx.tape->requires_grad(k) || ctx.tape->requires_grad(v));
  HONE_CHECK(!train || !cached);
  Tensor y = Tensor::empty(q.shape());
  if (runs.size() == 1 && runs[0].cache != nullptr && runs[0].n_rows <= kFewQueries) {
    attend_few(g, q, runs[0], y);
    return y;
  }
  const AttentionProducts products(ctx.compute != ComputeMode::kPrecise);
  Tensor lse = train ? Tensor::empty({q.rows(), shape.n_heads}) : Tensor{};
  const std::vector<Piece> pieces = pieces_of(runs);
  const Forward forward{products, g, q, k, v, y, train ? &lse : nullptr};
  // The longest pieces first, so that no thread is left with one at the end.
  thread_pool().run(pieces.size() * shape.n_kv_heads, [&](size_t i, int) {
    forward.run(pieces[pieces.size() - 1 - i / shape.n_kv_heads], i % shape.n_kv_heads);
  });
  if (train)
    record_attention_backward(
        *ctx.tape, std::make_shared<AttentionSaved>(AttentionSaved{
                       g, ctx.compute, q.without_values(), k.without_values(), v.without_values(), y.without_values(), {q, ctx.compute},
                       {k, ctx.compute}, {v, ctx.compute}, {y, ctx.compute}, lse, std::move(runs)}));
  return y;
}

}  // namespace hone
