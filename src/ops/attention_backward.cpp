// Attention's backward: recomputes the probabilities of a tile from the saved log-sum-exp (Dao et al. 2022).
// A task owns one query head of one sequence, or a part of its rows, and writes gradients of keys and values,
// transposed, into a buffer of its own; a second pass adds up those of a group.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/attention_internal.h"
#include "ops/scratch.h"

namespace hone {
namespace {

// Query rows [first, last) of a sequence.
struct RowPart {
  size_t first, last;
};

// A sequence's rows, in two parts of equal work (later rows see more) where the number of heads is odd: an
// even number of threads would end with one of them idle. Whatever the number of threads, so that sums are
// the same.
std::vector<RowPart> parts_of(size_t n_rows, size_t heads, size_t tile_rows) {
  const size_t tiles = n_rows / tile_rows;
  const size_t cut =
      static_cast<size_t>(std::lround(static_cast<double>(tiles) * std::sqrt(0.5))) * tile_rows;
  if (heads % 2 == 0 || tiles < 2) return {{0, n_rows}};
  return {{0, cut}, {cut, n_rows}};
}

struct Backward {
  const AttentionProducts& products;
  const AttentionSaved& saved;
  const Tensor &q, &k, &v, &y, &dy;
  Tensor& dq;
  const size_t tile_rows = products.query_rows();

  // dk_t and dv_t (D, length), all written.
  void run(const AttentionSegment& s, const RowPart& part, size_t head, float* dk_t, float* dv_t,
           size_t ld) const {
    const AttentionGeometry& g = saved.g;
    const size_t d = g.shape.head_dim, most = std::min(g.key_block(), s.n_rows),
                 kv_column = head / g.group * d;
    const size_t across = products.panel_size(d, most), along = products.panel_size(most, d);
    auto* panels = scratch<uint32_t>(2 * across + along, ScratchSlot::kPanels);
    Panels packed{{panels}, {panels + across}, {panels + 2 * across}};
    const size_t stride = (most + 16) / 16 * 16;
    float* p = scratch<float>(2 * tile_rows * stride, ScratchSlot::kConverted);
    std::memset(dk_t, 0, d * ld * sizeof(float));
    std::memset(dv_t, 0, d * ld * sizeof(float));
    for (size_t block = 0; block < part.last; block += g.key_block()) {
      const size_t n = std::min(g.key_block(), part.last - block), row = s.begin + block;
      products.pack_transposed(k.row(row) + kv_column, g.kv_stride, n, d, packed.keys_across);
      products.pack_transposed(v.row(row) + kv_column, g.kv_stride, n, d, packed.values_across);
      products.pack_direct(k.row(row) + kv_column, g.kv_stride, n, d, packed.keys_along);
      // Rows before the block do not see it.
      for (size_t r = std::max(block / tile_rows * tile_rows, part.first); r < part.last; r += tile_rows)
        tile(s, head, r, block, n, packed, p, stride, dk_t, dv_t, ld);
    }
  }

  struct Panels {
    AttentionPanels keys_across, values_across, keys_along;
  };

  // A tile: rows from r on of the segment against keys [block, block + n).
  void tile(const AttentionSegment& s, size_t head, size_t r, size_t block, size_t n, const Panels& panels,
            float* p, size_t stride, float* dk_t, float* dv_t, size_t ld) const {
    const AttentionGeometry& g = saved.g;
    const size_t d = g.shape.head_dim, rows = std::min(tile_rows, s.n_rows - r);
    const std::optional<TileKeys> keys = keys_of(g.shape, products, r, rows, block, n);
    if (!keys) return;
    const auto [from, width, skip, fresh] = *keys;
    const float* query = q.row(s.begin + r) + head * d;
    const float* dout = dy.row(s.begin + r) + head * d;
    float* dp = p + tile_rows * stride;
    products.multiply(rows, width, d, d, {query, g.q_stride},
                      products.skip_columns(panels.keys_across, skip, d), p, stride, 1.0f, false);
    products.multiply(rows, width, d, d, {dout, g.q_stride},
                      products.skip_columns(panels.values_across, skip, d), dp, stride, 1.0f, false);
    scores_gradient(s.begin + r, r, rows, *keys, head, p, dp, stride);
    products.multiply(rows, d, width, n, {dp, stride}, products.skip_rows(panels.keys_along, skip),
                      dq.row(s.begin + r) + head * d, g.q_stride, 1.0f, !fresh);
    add_transposed(rows, width, dout, {.a = p, .row = stride, .bound = 1}, dv_t + from, ld);
    add_transposed(rows, width, query, {dp, stride}, dk_t + from, ld);
  }

  // p becomes the probabilities, dp the gradient of the products of q and k: scale * p (dp - sum_j p_j dp_j),
  // and that sum is dy . y.
  void scores_gradient(size_t row, size_t r, size_t rows, const TileKeys& keys, size_t head, float* p,
                       float* dp, size_t stride) const {
    const Kernels& ks = active_kernels();
    const size_t d = saved.g.shape.head_dim;
    const float scale = saved.g.shape.scale;
    for (size_t i = 0; i < rows; ++i) {
      float* prob = p + i * stride;
      float* grad = dp + i * stride;
      const auto [first, visible] = seen_columns(saved.g.shape, r + i, keys);
      std::memset(prob, 0, first * sizeof(float));
      std::memset(grad, 0, first * sizeof(float));
      ks.exp_sum(visible - first, scale, saved.lse.row(row + i)[head], prob + first, prob + first);
      std::memset(prob + visible, 0, (keys.width - visible) * sizeof(float));
      const float delta = ks.dot(d, dy.row(row + i) + head * d, y.row(row + i) + head * d);
      for (size_t j = first; j < visible; ++j) grad[j] = scale * prob[j] * (grad[j] - delta);
      std::memset(grad + visible, 0, (keys.width - visible) * sizeof(float));
    }
  }

  // out (D, width) += x^T w: x (rows, D) of the query rows, w (rows, width).
  void add_transposed(size_t rows, size_t width, const float* x, const AttentionRows& w, float* out,
                      size_t ld) const {
    const size_t d = saved.g.shape.head_dim;
    AttentionPanels packed{scratch<uint32_t>(products.panel_size(rows, width), ScratchSlot::kScales)};
    products.pack_direct(w.a, w.row, rows, width, packed, w.bound);
    products.multiply(d, width, rows, rows, {.a = x, .row = 1, .col = saved.g.q_stride}, packed, out, ld,
                      1.0f, true);
  }
};

// Adds up a group's buffers and turns them back: dk, dv rows of one sequence and key/value head.
void gather(const AttentionGeometry& g, const AttentionSegment& s, size_t kv_head, size_t n_parts,
            const float* parts, size_t ld, Tensor& out) {
  const size_t d = g.shape.head_dim, part = d * ld;
  float* sum = scratch<float>(part, ScratchSlot::kDecoded);
  const float* first = parts + kv_head * n_parts * part;
  std::memcpy(sum, first, part * sizeof(float));
  for (size_t i = 1; i < n_parts; ++i)
    for (size_t j = 0; j < part; ++j) sum[j] += first[i * part + j];
  active_kernels().transpose32(d, s.n_rows, reinterpret_cast<const uint32_t*>(sum), ld,
                               reinterpret_cast<uint32_t*>(out.row(s.begin) + kv_head * d), g.kv_stride);
}

void backward(Tape& tape, const AttentionSaved& saved, const Tensor& dy) {
  const AttentionGeometry& g = saved.g;
  const AttentionProducts products(saved.compute);
  const Tensor q = saved.q.values(), k = saved.k.values(), v = saved.v.values(), y = saved.y.values();
  Tensor dq = Tensor::empty(q.shape()), dk = Tensor::empty(k.shape()), dv = Tensor::empty(v.shape());
  const Backward body{products, saved, q, k, v, y, dy, dq};
  const size_t heads = g.shape.n_heads, kv_heads = g.shape.n_kv_heads, d = g.shape.head_dim;
  // Sequences by turns: the buffers of one are the largest thing held.
  for (const AttentionSegment& s : saved.segments) {
    const size_t ld = (s.n_rows + 15) / 16 * 16;
    const std::vector<RowPart> parts = parts_of(s.n_rows, heads, products.query_rows());
    const size_t n = parts.size();
    Tensor dk_parts = Tensor::empty({n * heads, d * ld}), dv_parts = Tensor::empty({n * heads, d * ld});
    thread_pool().run(n * heads, [&](size_t i, int) {
      body.run(s, parts[i % n], i / n, dk_parts.row(i), dv_parts.row(i), ld);
    });
    thread_pool().run(2 * kv_heads, [&](size_t i, int) {
      gather(g, s, i / 2, n * g.group, i % 2 == 0 ? dk_parts.data() : dv_parts.data(), ld,
             i % 2 == 0 ? dk : dv);
    });
  }
  if (tape.requires_grad(saved.q.tensor())) tape.add_grad(saved.q.tensor(), dq);
  if (tape.requires_grad(saved.k.tensor())) tape.add_grad(saved.k.tensor(), dk);
  if (tape.requires_grad(saved.v.tensor())) tape.add_grad(saved.v.tensor(), dv);
}

}  // namespace

void record_attention_backward(Tape& tape, const std::shared_ptr<const AttentionSaved>& saved) {
  tape.require(saved->y.tensor());
  tape.record([saved](Tape& t) {
    const Tensor dy = t.take_grad(saved->y.tensor());
    if (dy.defined()) backward(t, *saved, dy);
  });
}

}  // namespace hone
