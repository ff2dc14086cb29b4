// Attention of a few rows against a cache, read as it stands (decoding). The keys that a row sees are cut
// into stretches at fixed positions; a task is one stretch for all query heads of a group, so that keys and
// values are read once and there is work for many threads with few key/value heads. What the stretches gather
// is brought to one scale at the end (as in "Flash-Decoding for long-context inference", Dao et al. 2023).
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/attention_internal.h"
#include "ops/gemm_int8.h"
#include "ops/kv_layer.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kStretch = 64;  // keys; with their values a few KB, which group after group finds in L1
constexpr size_t kSerialWork = 16384;  // query x key x dimension products that one thread does at once
static_assert(kStretch % KvLayer::kBlock == 0);

// scores[i][key] of n_heads queries and `blocks` blocks of keys, from block `first` on, in this thread's
// scratch.
float* cached_scores(const KvLayer& cache, size_t kv_head, size_t n_heads, size_t d, size_t first,
                     size_t blocks, const float* queries) {
  const Kernels& ks = active_kernels();
  const std::byte* stored = cache.keys(kv_head, first * KvLayer::kBlock);
  const size_t keys = blocks * KvLayer::kBlock;
  if (cache.packing() == nullptr) {
    float* scores = scratch<float>(n_heads * keys, ScratchSlot::kConverted);
    const bool f32 = cache.format() == KvFormat::kF32;
    (f32 ? ks.attend_scores_f32 : ks.attend_scores_f16)(n_heads, d, blocks, queries, d, stored, scores, keys);
    return scores;
  }
  const PackedKernels& packed = *cache.packing();
  const Int8Rows rows = quantize_exactly(n_heads, queries, d, d);
  float* scores = scratch<float>(n_heads * keys, ScratchSlot::kConverted);
  for (size_t i = 0; i < n_heads; i += kSteadyRows)
    for (size_t key = 0; key < keys; key += packed.lanes)
      multiply_group_exactly(packed, std::min(kSteadyRows, n_heads - i), packed.lanes,
                             stored + key * cache.row_bytes(), rows.from(2 * i, 0), scores + i * keys + key,
                             keys, 1.0f, false);
  return scores;
}

// Keys [from, to) for the query heads of one key/value head of a row: out (group, d) becomes the sum of
// values by exp(scale * score - largest), softmax[i] what head i's weights add up to.
struct Stretch {
  const CachedRow* row;
  size_t kv_head, from, to;
  float* out;
  Softmax* softmax;
};

void attend_stretch(const AttentionGeometry& g, const Tensor& q, const Stretch& s) {
  const Kernels& ks = active_kernels();
  const KvLayer& cache = *s.row->segment->cache;
  const size_t d = g.shape.head_dim, first = s.from / KvLayer::kBlock, begin = first * KvLayer::kBlock;
  const size_t blocks = (s.to - begin + KvLayer::kBlock - 1) / KvLayer::kBlock, n = s.to - s.from;
  const float* queries = q.row(s.row->segment->begin + s.row->r) + s.kv_head * g.group * d;
  const size_t stride = blocks * KvLayer::kBlock;
  float* weights = cached_scores(cache, s.kv_head, g.group, d, first, blocks, queries) + (s.from - begin);
  for (size_t i = 0; i < g.group; ++i) {
    float* row = weights + i * stride;
    s.softmax[i].largest = ks.max(n, row) * g.shape.scale;
    s.softmax[i].sum = ks.exp_sum(n, g.shape.scale, s.softmax[i].largest, row, row);
  }
  const AttendMix mix[] = {ks.attend_mix_f32, ks.attend_mix_f16, ks.attend_mix_q8_0};
  mix[static_cast<size_t>(cache.format())](g.group, d, n, weights, stride, cache.values(s.kv_head, s.from),
                                           s.out, d);
}

// The stretches of one row and key/value head into the first one's out.
void bring_together(const AttentionGeometry& g, std::span<const Stretch> stretches) {
  const Kernels& ks = active_kernels();
  const size_t d = g.shape.head_dim;
  for (size_t i = 0; i < g.group; ++i) {
    Softmax all;
    for (const Stretch& s : stretches) all.largest = std::max(all.largest, s.softmax[i].largest);
    const auto share = [&](const Stretch& s) { return std::exp(s.softmax[i].largest - all.largest); };
    for (const Stretch& s : stretches) all.sum += s.softmax[i].sum * static_cast<double>(share(s));
    const auto inverse = static_cast<float>(1.0 / all.sum);
    float* y = stretches[0].out + i * d;
    const float first = share(stretches[0]) * inverse;
    for (size_t j = 0; j < d; ++j) y[j] *= first;
    for (const Stretch& s : stretches.subspan(1)) ks.axpy(d, share(s) * inverse, s.out + i * d, y);
  }
}

// What becomes of the keys that a row sees.
struct Cut {
  size_t from, visible;
  size_t stretches() const noexcept { return (visible + kStretch - 1) / kStretch - from / kStretch; }
};
Cut cut_of(const AttentionGeometry& g, const CachedRow& row) noexcept {
  return {first_key(g.shape, row.visible() - 1), row.visible()};
}

}  // namespace

void attend_cached(const AttentionGeometry& g, const Tensor& q, std::span<const CachedRow> rows, Tensor& y) {
  const size_t d = g.shape.head_dim, n_kv = g.shape.n_kv_heads;
  size_t n = 0, work = 0;
  for (const CachedRow& row : rows) {
    n += cut_of(g, row).stretches() * n_kv;
    work += (row.visible() - cut_of(g, row).from) * g.q_stride;
  }
  // The first stretch of each writes to y.
  Tensor gathered = Tensor::empty({n - rows.size() * n_kv, g.group * d});
  std::vector<Softmax> softmax(n * g.group);
  std::vector<Stretch> stretches;
  stretches.reserve(n);
  size_t used = 0;
  for (const CachedRow& row : rows)
    for (size_t h = 0; h < n_kv; ++h) {
      const Cut cut = cut_of(g, row);
      for (size_t from = cut.from; from < cut.visible; from = (from / kStretch + 1) * kStretch) {
        float* out =
            from == cut.from ? y.row(row.segment->begin + row.r) + h * g.group * d : gathered.row(used++);
        const size_t to = std::min((from / kStretch + 1) * kStretch, cut.visible);
        stretches.push_back({&row, h, from, to, out, softmax.data() + stretches.size() * g.group});
      }
    }
  const auto attend = [&](size_t i) { attend_stretch(g, q, stretches[i]); };
  if (work <= kSerialWork) {
    for (size_t i = 0; i < n; ++i) attend(i);
  } else {
    thread_pool().run_near(n, [&](size_t i, int) { attend(i); });
  }
  const std::span<const Stretch> all(stretches);
  for (size_t begin = 0, end = 0; begin < n; begin = end) {
    const Stretch& first = all[begin];
    for (end = begin; end < n && all[end].row == first.row && all[end].kv_head == first.kv_head;) ++end;
    bring_together(g, all.subspan(begin, end - begin));
  }
}

}  // namespace hone
