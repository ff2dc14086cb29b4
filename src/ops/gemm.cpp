// Which road a product takes: int8 over interleaved quantized weights (inference), stored float rows as they
// stand (a few tokens), or unpacked panels in what fast_products() says or in f32. Only panels add up the
// products of a sum at once; the other roads take them one by one.
#include "ops/gemm.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/gemm_int8.h"
#include "ops/gemm_operands.h"
#include "ops/gemm_outer.h"
#include "ops/gemm_panels.h"
#include "ops/parallel.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kFewRows = 8;  // up to here float rows of W are multiplied as they are stored

// Rows [begin, end) of one stored W times a few rows of A, in f32.
void multiply_stored(const GemmRows& a, const GemmOutput& t, size_t begin, size_t end,
                     const GemmOptions& options) {
  const Kernels& ks = active_kernels();
  const DotsFloat stored = ks.dots_float(t.w.format->id);
  const DotsFloat dots = stored != nullptr ? stored : ks.dots_float(FormatId::kF32);
  float y[kFewRows];
  for (size_t n = begin; n < end; ++n) {
    const std::byte* w = t.w.data + n * t.w.row_bytes();
    if (stored == nullptr) {
      float* decoded = scratch<float>(a.k, ScratchSlot::kDecoded);
      decode_elements(t.w, n, 0, a.k, decoded);
      w = reinterpret_cast<const std::byte*>(decoded);
    }
    dots(a.m, a.k, w, a.a, a.row, y);
    for (size_t i = 0; i < a.m; ++i) {
      float& out = t.c[i * t.ldc + n];
      out = options.accumulate ? out + options.alpha * y[i] : options.alpha * y[i];
    }
  }
}

// A few rows of each A: every thread takes stretches of the rows of all W, as they are stored.
void multiply_rows(std::span<const GemmRows> as, std::span<const GemmOutput> outputs,
                   const GemmOptions& options) {
  size_t n = 0;
  for (const GemmOutput& t : outputs) n += t.w.rows;
  parallel_stretches(n, [&](size_t begin, size_t end) {
    size_t first = 0;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const GemmOutput& t = outputs[i];
      const size_t from = std::max(begin, first), to = std::min(end, first + t.w.rows);
      if (from < to) multiply_stored(as[i], t, from - first, to - first, options);
      first += t.w.rows;
    }
  });
}

// Whether W is made int8 for a product, in whatever format it is.
bool makes_int8(const GemmTerm& term, ComputeMode compute) {
  return compute == ComputeMode::kInt8 && term.frozen && term.a.m >= kMinInt8Rows && term.a.k % 32 == 0 &&
         term.a.col == 1 && int8_is_fastest();
}

enum class Road { kInt8, kInt8Exact, kInt8Panels, kRows, kPanels };

Road road_of(const GemmTerm& term, ComputeMode compute) {
  if (term.a.k == 0 || term.a.col != 1) return Road::kPanels;
  const bool int8 = compute == ComputeMode::kFast || compute == ComputeMode::kInt8;
  if (int8 && term.w.packed != nullptr && term.w.cols % 32 == 0) {
    const PackedKernels& packed = *term.w.packed;
    if (active_kernels().bf16_outruns_int8 && term.a.m > kFewRows) return Road::kPanels;
    if ((term.exact ? packed.planes_cost : packed.slower_than_i16) &&
        multiplies_in_i16(active_kernels(), term.a.m, term.w.rows, compute))
      return Road::kPanels;
    return term.exact ? Road::kInt8Exact : Road::kInt8;
  }
  if (makes_int8(term, compute)) return Road::kInt8Panels;
  return term.a.m <= kFewRows && term.w.packed == nullptr ? Road::kRows : Road::kPanels;
}

// Products of several W that take the same road, each with its A; but for stored rows that is one for all.
void multiply_run(Road road, std::span<const GemmRows> as, std::span<const GemmOutput> outputs,
                  const GemmOptions& options) {
  const GemmRows& a = as[0];
  if (road == Road::kInt8 || road == Road::kInt8Exact)
    return gemm_int8(a.m, a.a, a.row, a.k, outputs, road == Road::kInt8Exact, options);
  if (road == Road::kRows) return multiply_rows(as, outputs, options);
  std::vector<GemmTerm> terms;
  std::vector<GemmTarget> targets;
  for (const GemmOutput& t : outputs) terms.push_back({a, t.w});
  for (size_t i = 0; i < outputs.size(); ++i)
    targets.push_back({std::span(terms).subspan(i, 1), outputs[i].c, outputs[i].ldc});
  if (road == Road::kInt8Panels)
    gemm_int8_panels(WeightLayout::kNt, targets, options);
  else
    gemm_panels(WeightLayout::kNt, targets, options);
}

// The idx-th product of every sum; runs of neighbours with one A and one road go together, and any A where
// rows are multiplied as stored: the adapters of one input make one step of the threads.
void multiply_terms(std::span<const GemmTarget> targets, size_t idx, const GemmOptions& options) {
  std::vector<GemmOutput> outputs;
  std::vector<GemmRows> as;
  for (size_t begin = 0, end = 0; begin < targets.size(); begin = end) {
    end = begin + 1;
    if (targets[begin].terms.size() <= idx) continue;
    const GemmTerm& first = targets[begin].terms[idx];
    const Road road = road_of(first, options.compute);
    outputs.assign(1, {first.w, targets[begin].c, targets[begin].ldc});
    as.assign(1, first.a);
    for (; end < targets.size() && targets[end].terms.size() > idx; ++end) {
      const GemmTerm& next = targets[end].terms[idx];
      const bool same = next.a.a == first.a.a && next.a.k == first.a.k;
      if ((!same && road != Road::kRows) || road_of(next, options.compute) != road) break;
      outputs.push_back({next.w, targets[end].c, targets[end].ldc});
      as.push_back(next.a);
    }
    multiply_run(road, as, outputs, options);
  }
}

// The terms of a sum (W stored (k, n)) that are made int8, then the others.
void multiply_apart(const GemmTarget& t, GemmOptions options) {
  std::vector<GemmTerm> terms(t.terms.begin(), t.terms.end());
  const auto middle = std::stable_partition(
      terms.begin(), terms.end(), [&](const GemmTerm& term) { return makes_int8(term, options.compute); });
  const GemmTarget int8{{terms.begin(), middle}, t.c, t.ldc}, others{{middle, terms.end()}, t.c, t.ldc};
  if (!int8.terms.empty()) gemm_int8_panels(WeightLayout::kNn, std::span(&int8, 1), options);
  options.accumulate = options.accumulate || !int8.terms.empty();
  if (!others.terms.empty()) gemm_panels(WeightLayout::kNn, std::span(&others, 1), options);
}

void check(const GemmTarget& t, size_t m, bool along_k) {
  HONE_CHECK(!t.terms.empty());
  for (const GemmTerm& term : t.terms) {
    const MatrixView &w = term.w, &w0 = t.terms[0].w;
    HONE_CHECK(w.cols % w.format->block_elems == 0, "{} columns in {}", w.cols, w.format->name);
    HONE_CHECK(term.a.m == m && term.a.k == (along_k ? w.cols : w.rows));
    HONE_CHECK(term.a.k_factors == nullptr || (!along_k && active_kernels().f16 != nullptr));
    HONE_CHECK((along_k ? w.rows : w.cols) == (along_k ? w0.rows : w0.cols));
  }
}

}  // namespace

void gemm_nt(std::span<const GemmTarget> targets, GemmOptions options) {
  if (targets.empty() || targets[0].terms[0].a.m == 0) return;
  bool panels = true;
  size_t most_terms = 0;
  for (const GemmTarget& t : targets) {
    check(t, targets[0].terms[0].a.m, true);
    most_terms = std::max(most_terms, t.terms.size());
    for (const GemmTerm& term : t.terms) panels = panels && road_of(term, options.compute) == Road::kPanels;
  }
  if (panels) return gemm_panels(WeightLayout::kNt, targets, options);
  for (size_t idx = 0; idx < most_terms; ++idx) {
    multiply_terms(targets, idx, options);
    options.accumulate = true;
  }
}

void gemm_nt_taken(std::span<const GemmTarget> targets, const TakeSums& take, GemmOptions options) {
  const size_t m = targets[0].terms[0].a.m, n = targets[0].terms[0].w.rows;
  for (const GemmTarget& t : targets) {
    check(t, m, true);
    HONE_CHECK(t.terms[0].w.rows == n);
    for (const GemmTerm& term : t.terms) HONE_CHECK(road_of(term, options.compute) == Road::kPanels);
  }
  if (m > 0) gemm_panels(WeightLayout::kNt, targets, options, &take);
}

bool by_panels(const GemmTerm& term, ComputeMode compute) {
  return road_of(term, compute) == Road::kPanels;
}

void gemm_nn(std::span<const GemmTarget> targets, GemmOptions options) {
  if (targets.empty() || targets[0].terms[0].a.m == 0) return;
  bool halves = true;
  for (const GemmTarget& t : targets) {
    check(t, targets[0].terms[0].a.m, false);
    for (const GemmTerm& term : t.terms) halves = halves && !makes_int8(term, options.compute);
  }
  if (halves) return gemm_panels(WeightLayout::kNn, targets, options);
  for (const GemmTarget& t : targets) multiply_apart(t, options);
}

void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options, bool exact) {
  const GemmTerm term{{m, w.cols, a, lda, 1}, w, exact};
  const GemmTarget target{std::span(&term, 1), c, ldc};
  gemm_nt(std::span(&target, 1), options);
}

void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  const GemmTerm term{{m, w.rows, a, lda, 1}, w};
  const GemmTarget target{std::span(&term, 1), c, ldc};
  gemm_nn(std::span(&target, 1), options);
}

void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, const float* k_factors, float* c,
             size_t ldc, GemmOptions options) {
  if (k_factors == nullptr && takes_outer_products(m, w, options.compute))
    return gemm_outer(m, a, lda, w, c, ldc, options);
  const GemmTerm term{{m, w.rows, a, 1, lda, nullptr, nullptr, k_factors}, w};
  const GemmTarget target{std::span(&term, 1), c, ldc};
  gemm_nn(std::span(&target, 1), options);
}

}  // namespace hone
