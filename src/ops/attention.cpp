// Causal grouped-query attention in tiles of query rows. A task owns one key/value head of one segment: keys
// and values are packed once into the tile kernel's panels and used by every query head of the group. A tile
// of kRows x (visible keys) scores is the largest thing stored; T x T never is. Backward recomputes the
// probabilities from the saved log-sum-exp (Dao et al. 2022).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

namespace hone {
namespace {

constexpr size_t kRows = 24;       // query rows of a tile
constexpr size_t kFewQueries = 4;  // up to here (decoding) keys are read as they stand

size_t round_up(size_t n, size_t step) {
  return (n + step - 1) / step * step;
}

// C (m, n) = or += alpha A B over packed panels of B: [n / tile_n][k][tile_n]. n may be ragged; panels are
// padded.
void panel_product(const Kernels& ks, size_t m, size_t n, size_t k, size_t panel_k, const float* a,
                   size_t a_row, size_t a_col, const float* panels, float* c, size_t ldc, float alpha,
                   bool accumulate) {
  for (size_t j = 0; j < n; j += ks.tile_n)
    for (size_t i = 0; i < m; i += ks.tile_m)
      ks.tile_f32(std::min(ks.tile_m, m - i), std::min(ks.tile_n, n - j), k, a + i * a_row, a_row, a_col,
                  panels + j * panel_k, ks.tile_n, c + i * ldc + j, ldc, alpha, accumulate);
}

// Panels whose n index runs over the rows of x (rows, cols): B = x^T.
void pack_transposed(const Kernels& ks, const float* x, size_t stride, size_t rows, size_t cols,
                     float* panels) {
  const size_t nr = ks.tile_n;
  for (size_t r = 0; r < rows; r += nr) {
    const size_t n = std::min(nr, rows - r);
    float* panel = panels + r * cols;
    if (n < nr) std::memset(panel, 0, nr * cols * sizeof(float));
    ks.transpose32(n, cols, reinterpret_cast<const uint32_t*>(x + r * stride), stride,
                   reinterpret_cast<uint32_t*>(panel), nr);
  }
}

// Panels whose n index runs over the columns of x (rows, cols): B = x.
void pack_direct(const Kernels& ks, const float* x, size_t stride, size_t rows, size_t cols, float* panels) {
  const size_t nr = ks.tile_n;
  for (size_t c = 0; c < cols; c += nr) {
    const size_t n = std::min(nr, cols - c);
    for (size_t r = 0; r < rows; ++r) {
      float* out = panels + c * rows + r * nr;
      std::memcpy(out, x + r * stride + c, n * sizeof(float));
      if (n < nr) std::memset(out + n, 0, (nr - n) * sizeof(float));
    }
  }
}

struct Geometry {
  AttentionShape shape;
  size_t q_stride, kv_stride, group;
};

struct Source {
  const float *k, *v;  // first row of this segment, this head's column
};

Source source_of(const Geometry& g, const Tensor& k, const Tensor& v, const AttentionSegment& s,
                 size_t kv_head) {
  const float* keys = s.keys != nullptr ? s.keys : k.data() + s.begin * g.kv_stride;
  const float* values = s.values != nullptr ? s.values : v.data() + s.begin * g.kv_stride;
  return {keys + kv_head * g.shape.head_dim, values + kv_head * g.shape.head_dim};
}

// Softmax over the visible prefix of each score row; the rest of the row is zeroed. Returns through lse.
void softmax_rows(const Kernels& ks, float* scores, size_t stride, size_t rows, size_t first_visible,
                  size_t width, float scale, float* lse, size_t lse_stride) {
  for (size_t r = 0; r < rows; ++r) {
    float* row = scores + r * stride;
    const size_t visible = first_visible + r;
    const float largest = ks.max(visible, row) * scale;
    const double sum = ks.exp_sum(visible, scale, largest, row, row);
    const float inverse = static_cast<float>(1.0 / sum);
    for (size_t i = 0; i < visible; ++i) row[i] *= inverse;
    std::memset(row + visible, 0, (width - visible) * sizeof(float));
    if (lse != nullptr) lse[r * lse_stride] = largest + static_cast<float>(std::log(sum));
  }
}

void forward_segment(const Kernels& ks, const Geometry& g, const Tensor& q, const Source& kv,
                     const AttentionSegment& s, size_t kv_head, Tensor& y, Tensor* lse) {
  const size_t d = g.shape.head_dim, length = s.kv_length, past = length - s.n_rows;
  const size_t padded = round_up(length, ks.tile_n);
  Tensor key_panels = Tensor::empty({padded, d}),
         value_panels = Tensor::empty({length, round_up(d, ks.tile_n)});
  pack_transposed(ks, kv.k, g.kv_stride, length, d, key_panels.data());
  pack_direct(ks, kv.v, g.kv_stride, length, d, value_panels.data());
  Tensor scores = Tensor::empty({kRows, padded});
  for (size_t h = kv_head * g.group; h < (kv_head + 1) * g.group; ++h) {
    for (size_t r = 0; r < s.n_rows; r += kRows) {
      const size_t rows = std::min(kRows, s.n_rows - r), width = past + r + rows;
      const float* queries = q.row(s.begin + r) + h * d;
      panel_product(ks, rows, width, d, d, queries, g.q_stride, 1, key_panels.data(), scores.data(), padded,
                    1.0f, false);
      softmax_rows(ks, scores.data(), padded, rows, past + r + 1, width, g.shape.scale,
                   lse != nullptr ? lse->row(s.begin + r) + h : nullptr, g.shape.n_heads);
      panel_product(ks, rows, d, width, length, scores.data(), padded, 1, value_panels.data(),
                    y.row(s.begin + r) + h * d, g.q_stride, 1.0f, false);
    }
  }
}

// Long runs are cut into pieces of kPieceRows query rows, each a task of its own over the keys it may see.
std::vector<AttentionSegment> split_rows(const Geometry& g, const Tensor& k, const Tensor& v,
                                         const std::vector<AttentionSegment>& runs) {
  constexpr size_t kPieceRows = 4 * kRows;
  std::vector<AttentionSegment> pieces;
  for (const AttentionSegment& s : runs) {
    const float* keys = s.keys != nullptr ? s.keys : k.data() + s.begin * g.kv_stride;
    const float* values = s.values != nullptr ? s.values : v.data() + s.begin * g.kv_stride;
    for (size_t r = 0; r < s.n_rows; r += kPieceRows) {
      const size_t rows = std::min(kPieceRows, s.n_rows - r);
      pieces.push_back({s.begin + r, rows, keys, values, s.kv_length - s.n_rows + r + rows});
    }
  }
  return pieces;
}

// One or a few query rows against a long cache: dot products straight over the stored rows.
void forward_few(const Kernels& ks, const Geometry& g, const Tensor& q, const Source& kv,
                 const AttentionSegment& s, size_t head, Tensor& y) {
  const size_t d = g.shape.head_dim;
  Tensor scores = Tensor::empty({s.kv_length});
  for (size_t r = 0; r < s.n_rows; ++r) {
    const size_t visible = s.kv_length - s.n_rows + r + 1;
    const float* query = q.row(s.begin + r) + head * d;
    for (size_t i = 0; i < visible; ++i) scores.data()[i] = ks.dot(d, query, kv.k + i * g.kv_stride);
    softmax_rows(ks, scores.data(), visible, 1, visible, visible, g.shape.scale, nullptr, 0);
    float* out = y.row(s.begin + r) + head * d;
    std::memset(out, 0, d * sizeof(float));
    for (size_t i = 0; i < visible; ++i) ks.axpy(d, scores.data()[i], kv.v + i * g.kv_stride, out);
  }
}

struct Saved {
  Geometry g;
  Tensor q, k, v, y, lse;
  std::vector<AttentionSegment> segments;
};

// dq, dk, dv of one segment and key/value head; nothing else writes these rows and columns.
void backward_segment(const Kernels& ks, const Saved& saved, const Tensor& dy, const AttentionSegment& s,
                      size_t kv_head, Tensor& dq, Tensor& dk, Tensor& dv) {
  const Geometry& g = saved.g;
  const size_t d = g.shape.head_dim, length = s.n_rows, padded = round_up(length, ks.tile_n);
  const size_t padded_d = round_up(d, ks.tile_n);
  const Source kv = source_of(g, saved.k, saved.v, s, kv_head);
  Tensor key_t = Tensor::empty({padded, d}), value_t = Tensor::empty({padded, d});
  Tensor keys = Tensor::empty({length, padded_d});
  pack_transposed(ks, kv.k, g.kv_stride, length, d, key_t.data());
  pack_transposed(ks, kv.v, g.kv_stride, length, d, value_t.data());
  pack_direct(ks, kv.k, g.kv_stride, length, d, keys.data());
  Tensor p = Tensor::empty({kRows, padded}), dp = Tensor::empty({kRows, padded});
  Tensor rows_panel = Tensor::empty({kRows, padded_d});
  float* dk_out = dk.row(s.begin) + kv_head * d;
  float* dv_out = dv.row(s.begin) + kv_head * d;
  for (size_t h = kv_head * g.group; h < (kv_head + 1) * g.group; ++h) {
    for (size_t r = 0; r < s.n_rows; r += kRows) {
      const size_t rows = std::min(kRows, s.n_rows - r), width = r + rows;
      const float* query = saved.q.row(s.begin + r) + h * d;
      const float* dout = dy.row(s.begin + r) + h * d;
      panel_product(ks, rows, width, d, d, query, g.q_stride, 1, key_t.data(), p.data(), padded, 1.0f, false);
      panel_product(ks, rows, width, d, d, dout, g.q_stride, 1, value_t.data(), dp.data(), padded, 1.0f,
                    false);
      for (size_t i = 0; i < rows; ++i) {
        float* prob = p.data() + i * padded;
        float* grad = dp.data() + i * padded;
        const size_t visible = r + i + 1, row = s.begin + r + i;
        ks.exp_sum(visible, g.shape.scale, saved.lse.row(row)[h], prob, prob);
        std::memset(prob + visible, 0, (width - visible) * sizeof(float));
        // sum_j p_j dp_j = dy . y
        const float delta = ks.dot(d, dout + i * g.q_stride, saved.y.row(row) + h * d);
        for (size_t j = 0; j < visible; ++j) grad[j] = prob[j] * (grad[j] - delta);
        std::memset(grad + visible, 0, (width - visible) * sizeof(float));
      }
      panel_product(ks, rows, d, width, length, dp.data(), padded, 1, keys.data(),
                    dq.row(s.begin + r) + h * d, g.q_stride, g.shape.scale, false);
      pack_direct(ks, dout, g.q_stride, rows, d, rows_panel.data());
      panel_product(ks, width, d, rows, rows, p.data(), 1, padded, rows_panel.data(), dv_out, g.kv_stride,
                    1.0f, true);
      pack_direct(ks, query, g.q_stride, rows, d, rows_panel.data());
      panel_product(ks, width, d, rows, rows, dp.data(), 1, padded, rows_panel.data(), dk_out, g.kv_stride,
                    g.shape.scale, true);
    }
  }
}

void record_backward(Tape& tape, std::shared_ptr<const Saved> saved) {
  tape.require(saved->y);
  tape.record([saved](Tape& t) {
    const Tensor dy = t.take_grad(saved->y);
    if (!dy.defined()) return;
    const Kernels& ks = active_kernels();
    Tensor dq = Tensor::empty(saved->q.shape()), dk = Tensor::zeros(saved->k.shape()),
           dv = Tensor::zeros(saved->v.shape());
    const size_t heads = saved->g.shape.n_kv_heads;
    thread_pool().run(saved->segments.size() * heads, [&](size_t i, int) {
      backward_segment(ks, *saved, dy, saved->segments[i / heads], i % heads, dq, dk, dv);
    });
    if (t.requires_grad(saved->q)) t.add_grad(saved->q, dq);
    if (t.requires_grad(saved->k)) t.add_grad(saved->k, dk);
    if (t.requires_grad(saved->v)) t.add_grad(saved->v, dv);
  });
}

}  // namespace

Tensor attention(OpContext& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& shape, std::span<const AttentionSegment> segments) {
  const Kernels& ks = active_kernels();
  const Geometry g{shape, shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim,
                   shape.n_heads / shape.n_kv_heads};
  HONE_CHECK(q.cols() == g.q_stride && k.cols() == g.kv_stride && v.cols() == g.kv_stride);
  std::vector<AttentionSegment> runs(segments.begin(), segments.end());
  size_t covered = 0;
  bool external = false;
  for (AttentionSegment& s : runs) {
    external = external || s.keys != nullptr;
    if (s.keys == nullptr) s.kv_length = s.n_rows;
    HONE_CHECK(s.kv_length >= s.n_rows && s.begin == covered);
    covered += s.n_rows;
  }
  HONE_CHECK(covered == q.rows(), "segments cover {} of {} rows", covered, q.rows());
  const bool train = ctx.tape != nullptr &&
                     (ctx.tape->requires_grad(q) || ctx.tape->requires_grad(k) || ctx.tape->requires_grad(v));
  HONE_CHECK(!train || !external);
  Tensor y = Tensor::empty(q.shape());
  Tensor lse = train ? Tensor::empty({q.rows(), shape.n_heads}) : Tensor{};
  const std::vector<AttentionSegment> pieces = split_rows(g, k, v, runs);
  thread_pool().run(pieces.size() * shape.n_heads, [&](size_t i, int) {
    const AttentionSegment& s = pieces[i / shape.n_heads];
    const size_t head = i % shape.n_heads, kv_head = head / g.group;
    const Source kv = source_of(g, k, v, s, kv_head);
    if (s.n_rows <= kFewQueries && !train)
      forward_few(ks, g, q, kv, s, head, y);
    else if (head % g.group == 0)
      forward_segment(ks, g, q, kv, s, kv_head, y, train ? &lse : nullptr);
  });
  if (!train) return y;
  record_backward(*ctx.tape, std::make_shared<Saved>(Saved{g, q, k, v, y, lse, std::move(runs)}));
  return y;
}

}  // namespace hone
