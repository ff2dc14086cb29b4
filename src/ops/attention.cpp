// Causal grouped-query attention in tiles of query rows with an online softmax (Milakov and Gimelshein 2018;
// Dao et al. 2022). A task owns a piece of one sequence's rows and one key/value head: a block of keys and
// values is packed once into the tile kernels' panels and used by every query head of the group. A tile of
// query_rows() x key_block() scores is the largest thing stored; T x T never is. A few rows against a cache
// read it as it stands (attention_cached.cpp). Keys before a window are not packed, and but for the ragged
// edge of a tile not multiplied.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/attention_internal.h"
#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kPieceTiles = 4;  // tiles of query rows that share packed keys and values
constexpr size_t kFewQueries = 4;  // up to here a cache is read as it stands

struct Piece {
  const AttentionSegment* segment;
  size_t first, n_rows;  // rows of the segment
  size_t from, visible;  // the keys that they see: [from, visible), from a multiple of a cache's blocks
};

std::vector<Piece> pieces_of(std::span<const AttentionSegment> segments, const AttentionShape& shape,
                             size_t piece_rows) {
  std::vector<Piece> pieces;
  for (const AttentionSegment& s : segments)
    for (size_t r = 0; r < s.n_rows; r += piece_rows) {
      const size_t rows = std::min(piece_rows, s.n_rows - r), position = s.kv_length - s.n_rows + r;
      const size_t from = first_key(shape, position) / KvLayer::kBlock * KvLayer::kBlock;
      pieces.push_back({&s, r, rows, from, position + rows});
    }
  return pieces;
}

// exp(scale * score - shift) of a row's visible part [first, visible), zeros elsewhere up to `width`; returns
// the sum.
double soften(const Kernels& ks, float* row, size_t first, size_t visible, size_t width, float scale,
              float shift) {
  const double sum = ks.exp_sum(visible - first, scale, shift, row + first, row + first);
  std::memset(row, 0, first * sizeof(float));
  std::memset(row + visible, 0, (width - visible) * sizeof(float));
  return sum;
}

// What is known of a row's softmax after some blocks of keys.
struct Softmax {
  float largest = -std::numeric_limits<float>::infinity();
  double sum = 0;
};

struct Forward {
  const AttentionProducts& products;
  const AttentionGeometry& g;
  const Tensor &q, &k, &v;
  Tensor& y;
  Tensor* lse;

  const size_t rows = products.query_rows();  // of a tile

  void run(const Piece& piece, size_t kv_head) const {
    const size_t d = g.shape.head_dim, most = std::min(g.key_block(), piece.visible - piece.from);
    AttentionPanels keys{scratch<uint32_t>(products.panel_size(d, most), ScratchSlot::kPanels)};
    AttentionPanels values{scratch<uint32_t>(products.panel_size(most, d), ScratchSlot::kScales)};
    const size_t stride = (most + 16) / 16 * 16;
    float* scores = scratch<float>(rows * stride, ScratchSlot::kConverted);
    std::vector<Softmax> softmax(g.group * piece.n_rows);
    for (size_t begin = piece.from; begin < piece.visible; begin += g.key_block()) {
      const size_t n = std::min(g.key_block(), piece.visible - begin);
      pack(*piece.segment, kv_head, begin, n, keys, values);
      for (size_t i = 0; i < g.group; ++i)
        for (size_t r = 0; r < piece.n_rows; r += rows)
          tile(piece, kv_head * g.group + i, r, begin, n, keys, values, scores, stride,
               softmax.data() + i * piece.n_rows + r);
    }
    for (size_t i = 0; i < g.group; ++i)
      for (size_t r = 0; r < piece.n_rows; ++r)
        finish(softmax[i * piece.n_rows + r], piece.segment->begin + piece.first + r, kv_head * g.group + i);
  }

  void pack(const AttentionSegment& s, size_t kv_head, size_t begin, size_t n, AttentionPanels& keys,
            AttentionPanels& values) const {
    const size_t d = g.shape.head_dim, row = s.begin + begin;
    if (s.cache != nullptr) {
      products.pack_cached_keys(*s.cache, kv_head, d, begin, n, keys);
      products.pack_cached_values(*s.cache, kv_head, d, begin, n, values);
    } else {
      products.pack_transposed(k.row(row) + kv_head * d, g.kv_stride, n, d, keys);
      products.pack_direct(v.row(row) + kv_head * d, g.kv_stride, n, d, values);
    }
  }

  // A tile: rows from r on of the piece against keys [block, block + n).
  void tile(const Piece& piece, size_t head, size_t r, size_t block, size_t n,
            const AttentionPanels& key_panels, const AttentionPanels& value_panels, float* scores,
            size_t stride, Softmax* softmax) const {
    const size_t d = g.shape.head_dim, n_rows = std::min(rows, piece.n_rows - r);
    const size_t first = piece.segment->begin + piece.first + r;
    const size_t position = piece.visible - piece.n_rows + r;
    const std::optional<TileKeys> keys = keys_of(g.shape, products, position, n_rows, block, n);
    if (!keys) return;
    products.multiply(n_rows, keys->width, d, d, {q.row(first) + head * d, g.q_stride},
                      products.skip_columns(key_panels, keys->skip, d), scores, stride, 1.0f, false);
    for (size_t i = 0; i < n_rows; ++i)
      weigh(scores + i * stride, position + i, *keys, softmax[i], y.row(first + i) + head * d);
    products.multiply(n_rows, d, keys->width, n, {.a = scores, .row = stride, .bound = 1},
                      products.skip_rows(value_panels, keys->skip), y.row(first) + head * d, g.q_stride, 1.0f,
                      !keys->fresh);
  }

  // Scores become weights, what the row has gathered so far is brought to the same scale.
  void weigh(float* scores, size_t position, const TileKeys& keys, Softmax& softmax, float* gathered) const {
    const Kernels& ks = active_kernels();
    const auto [first, visible] = seen_columns(g.shape, position, keys);
    if (first == visible) {
      std::memset(scores, 0, keys.width * sizeof(float));
      return;
    }
    const float earlier = softmax.largest;
    softmax.largest = std::max(earlier, ks.max(visible - first, scores + first) * g.shape.scale);
    const double sum = soften(ks, scores, first, visible, keys.width, g.shape.scale, softmax.largest);
    if (softmax.sum > 0 && softmax.largest > earlier) {
      const float shrink = std::exp(earlier - softmax.largest);
      softmax.sum *= static_cast<double>(shrink);
      for (size_t j = 0; j < g.shape.head_dim; ++j) gathered[j] *= shrink;
    }
    softmax.sum += sum;
  }

  void finish(const Softmax& softmax, size_t row, size_t head) const {
    const float inverse = static_cast<float>(1.0 / softmax.sum);
    float* out = y.row(row) + head * g.shape.head_dim;
    for (size_t j = 0; j < g.shape.head_dim; ++j) out[j] *= inverse;
    if (lse != nullptr) lse->row(row)[head] = softmax.largest + static_cast<float>(std::log(softmax.sum));
  }
};

// Splits segments into rows that read their cache as it stands and runs that are worth packing.
std::vector<CachedRow> take_few(std::vector<AttentionSegment>& runs, std::vector<AttentionSegment>& few,
                                size_t most) {
  const auto is_few = [&](const AttentionSegment& s) { return s.cache != nullptr && s.n_rows <= most; };
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(few), is_few);
  std::erase_if(runs, is_few);
  std::vector<CachedRow> rows;
  for (const AttentionSegment& s : few)
    for (size_t r = 0; r < s.n_rows; ++r) rows.push_back({&s, r});
  return rows;
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
  std::vector<AttentionSegment> few;
  const std::vector<CachedRow> rows = take_few(runs, few, ctx.steady ? kSteadyRows : kFewQueries);
  if (!rows.empty()) attend_cached(g, q, rows, y);
  if (runs.empty()) return y;
  const AttentionProducts products(ctx.compute);
  // Backward finds the probabilities again from what is kept and the log-sum-exp: that must be of the same
  // numbers.
  KeptRows kept_q, kept_k;
  Tensor seen_q = q, seen_k = k;
  if (train) {
    kept_q = KeptRows(q, ctx.compute, KeptFor::kProducts);
    kept_k = KeptRows(k, ctx.compute, KeptFor::kProducts);
  }
  // Whether or not this pass has gradients: recomputed, it must be the same.
  if ((ctx.tape != nullptr || ctx.repeated) && !multiplies_in_halves(ctx.compute)) {
    seen_q = train ? kept_q.values() : KeptRows(q, ctx.compute).values();
    seen_k = train ? kept_k.values() : KeptRows(k, ctx.compute).values();
  }
  Tensor lse = train ? Tensor::empty({q.rows(), shape.n_heads}) : Tensor{};
  const std::vector<Piece> pieces = pieces_of(runs, shape, kPieceTiles * products.query_rows());
  const Forward forward{products, g, seen_q, seen_k, v, y, train ? &lse : nullptr};
  // The longest pieces first, so that no thread is left with one at the end.
  thread_pool().run(pieces.size() * shape.n_kv_heads, [&](size_t i, int) {
    forward.run(pieces[pieces.size() - 1 - i / shape.n_kv_heads], i % shape.n_kv_heads);
  });
  if (!train) return y;
  const auto keep = [&](const Tensor& x) { return KeptRows(x, ctx.compute, KeptFor::kProducts); };
  record_attention_backward(*ctx.tape, std::make_shared<AttentionSaved>(AttentionSaved{
                                           g, ctx.compute, std::move(kept_q), std::move(kept_k), keep(v),
                                           keep(y), lse, std::move(runs)}));
  return y;
}

}  // namespace hone
