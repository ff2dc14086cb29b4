// Attention of a few rows against a cache, read as it stands (decoding). The keys that a row sees are cut
// into stretches at fixed positions; a task is one stretch for all query heads of a group, so that keys and
// values are read once and there is work for many threads with few key/value heads. What the stretches gather
// is brought to one scale at the end (as in "Flash-Decoding for long-context inference", Dao et al. 2023).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/attention_internal.h"
#include "ops/gemm_int8.h"
#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kSerialWork = 16384;  // query x key x dimension products that one thread does at once
constexpr float kNothing = -std::numeric_limits<float>::infinity();

// Keys of a stretch: what it gathers is to be small beside what it reads, also for many query heads.
size_t stretch_of(const AttentionGeometry& g) noexcept {
  constexpr size_t kKeys = 64, kHeads = 4;
  static_assert(kKeys % KvLayer::kBlock == 0);
  return kKeys * ((g.group + kHeads - 1) / kHeads);
}

// The rows' queries: as they are, and where a cache holds codes, as two planes of them, head after head.
struct Queries {
  const Tensor& values;
  Int8Rows codes;
};

// Keys [from, to) for the query heads of one key/value head of a row: out (group, d) becomes the sum of
// values by exp(scale * score - largest), of which `sum` is the sum of the weights.
struct Stretch {
  struct Head {
    float largest = kNothing, share = 0;  // of all of the row's stretches
    double sum = 0;
  };
  const CachedRow* row;
  size_t kv_head, from, to;
  float* out;
  Head* heads;

  const KvLayer& cache() const noexcept { return *row->segment->cache; }
  size_t query_row() const noexcept { return row->segment->begin + row->r; }
};

// scores[i][key] of the stretch's query heads and `blocks` blocks of keys, from block `first` on, in this
// thread's scratch.
float* scores_of(const AttentionGeometry& g, const Queries& q, const Stretch& s, size_t first,
                 size_t blocks) {
  const Kernels& ks = active_kernels();
  const KvLayer& cache = s.cache();
  const std::byte* stored = cache.keys(s.kv_head, first * KvLayer::kBlock);
  const size_t keys = blocks * KvLayer::kBlock, d = g.shape.head_dim, head = s.kv_head * g.group;
  float* scores = scratch<float>(g.group * keys, ScratchSlot::kConverted);
  if (cache.packing() == nullptr) {
    const bool f32 = cache.format() == KvFormat::kF32;
    (f32 ? ks.attend_scores_f32 : ks.attend_scores_f16)(
        g.group, d, blocks, q.values.row(s.query_row()) + head * d, d, stored, scores, keys);
    return scores;
  }
  const PackedKernels& packed = *cache.packing();
  const Int8Rows rows = q.codes.from(2 * (s.query_row() * g.shape.n_heads + head), 0);
  for (size_t i = 0; i < g.group; i += kSteadyRows)
    for (size_t key = 0; key < keys; key += packed.lanes)
      multiply_group_exactly(packed, std::min(kSteadyRows, g.group - i), packed.lanes,
                             stored + key * cache.row_bytes(), rows.from(2 * i, 0), scores + i * keys + key,
                             keys, 1.0f, false);
  return scores;
}

void attend_stretch(const AttentionGeometry& g, const Queries& q, const Stretch& s) {
  const Kernels& ks = active_kernels();
  const size_t first = s.from / KvLayer::kBlock, begin = first * KvLayer::kBlock, n = s.to - s.from;
  const size_t blocks = (s.to - begin + KvLayer::kBlock - 1) / KvLayer::kBlock;
  const size_t stride = blocks * KvLayer::kBlock;
  float* weights = scores_of(g, q, s, first, blocks) + (s.from - begin);
  for (size_t i = 0; i < g.group; ++i) {
    float* row = weights + i * stride;
    s.heads[i].largest = ks.max(n, row) * g.shape.scale;
    s.heads[i].sum = ks.exp_sum(n, g.shape.scale, s.heads[i].largest, row, row);
  }
  const AttendMix mix[] = {ks.attend_mix_f32, ks.attend_mix_f16, ks.attend_mix_q8_0};
  mix[static_cast<size_t>(s.cache().format())](g.group, g.shape.head_dim, n, weights, stride,
                                               s.cache().values(s.kv_head, s.from), s.out, g.shape.head_dim);
}

// The stretches of one row and key/value head into the first one's out.
void bring_together(const AttentionGeometry& g, std::span<const Stretch> stretches) {
  const Kernels& ks = active_kernels();
  const size_t d = g.shape.head_dim;
  for (size_t i = 0; i < g.group; ++i) {
    float largest = kNothing;
    double sum = 0;
    for (const Stretch& s : stretches) largest = std::max(largest, s.heads[i].largest);
    for (const Stretch& s : stretches) {
      s.heads[i].share = std::exp(s.heads[i].largest - largest);
      // One in which no key counts has no sum.
      if (s.heads[i].share != 0) sum += s.heads[i].sum * static_cast<double>(s.heads[i].share);
    }
    const auto inverse = static_cast<float>(1.0 / sum);
    float* y = stretches[0].out + i * d;
    const float first = stretches[0].heads[i].share * inverse;
    for (size_t j = 0; j < d; ++j) y[j] = first == 0 ? 0 : first * y[j];
    for (const Stretch& s : stretches.subspan(1))
      if (s.heads[i].share != 0) ks.axpy(d, s.heads[i].share * inverse, s.out + i * d, y);
  }
}

// The keys that a row sees.
struct SeenKeys {
  size_t from, end;
};
SeenKeys seen_keys(const AttentionGeometry& g, const CachedRow& row) noexcept {
  return {first_key(g.shape, row.visible() - 1), row.visible()};
}

// All stretches of all rows, those of one row and key/value head side by side; firsts: where each such run
// begins, and the end. `gathered` takes what all but the first of a run gather, `heads` is theirs.
struct Stretches {
  std::vector<Stretch> all;
  std::vector<size_t> firsts;
  Tensor gathered;
  std::vector<Stretch::Head> heads;

  Stretches(const AttentionGeometry& g, std::span<const CachedRow> rows, Tensor& y) {
    const size_t width = g.group * g.shape.head_dim, stretch = stretch_of(g);
    for (const CachedRow& row : rows)
      for (size_t h = 0; h < g.shape.n_kv_heads; ++h) {
        const SeenKeys seen = seen_keys(g, row);
        firsts.push_back(all.size());
        for (size_t from = seen.from, to = 0; from < seen.end; from = to) {
          to = std::min((from / stretch + 1) * stretch, seen.end);
          all.push_back({&row, h, from, to, nullptr, nullptr});
        }
      }
    firsts.push_back(all.size());
    gathered = Tensor::empty({all.size() - (firsts.size() - 1), width});
    heads.resize(all.size() * g.group);
    size_t used = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      Stretch& s = all[i];
      const bool is_first = s.from == seen_keys(g, *s.row).from;
      s.out = is_first ? y.row(s.query_row()) + s.kv_head * width : gathered.row(used++);
      s.heads = heads.data() + i * g.group;
    }
  }
};

}  // namespace

void attend_cached(const AttentionGeometry& g, const Tensor& q, std::span<const CachedRow> rows, Tensor& y) {
  Queries queries{q, {}};
  size_t work = 0;
  for (const CachedRow& row : rows) {
    if (row.segment->cache->packing() != nullptr && queries.codes.q == nullptr)
      queries.codes =
          quantize_exactly(q.rows() * g.shape.n_heads, q.data(), g.shape.head_dim, g.shape.head_dim);
    const SeenKeys seen = seen_keys(g, row);
    work += (seen.end - seen.from) * g.q_stride;
  }
  const Stretches s(g, rows, y);
  const auto for_each = [](bool serial, size_t n, const auto& body) {
    if (!serial) return thread_pool().run_near(n, [&](size_t i, int) { body(i); });
    for (size_t i = 0; i < n; ++i) body(i);
  };
  for_each(work <= kSerialWork, s.all.size(), [&](size_t i) { attend_stretch(g, queries, s.all[i]); });
  for_each(s.gathered.size() <= kSerialWork, s.firsts.size() - 1, [&](size_t i) {
    bring_together(g, std::span(s.all).subspan(s.firsts[i], s.firsts[i + 1] - s.firsts[i]));
  });
}

}  // namespace hone
