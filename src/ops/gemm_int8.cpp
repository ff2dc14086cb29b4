// A few rows (decoding): each thread walks through groups of W as they lie in memory and multiplies codes in
// registers; one or two rows as two planes of codes, which loses next to nothing, where that costs nothing.
// More rows: a panel of columns is unpacked to bytes for a slice of K, small enough to stay in the L1 cache,
// and every row of A passes over it. Exact products take two planes for any number of rows.
#include "ops/gemm_int8.h"

#include <algorithm>

#include "base/error.h"
#include "base/round.h"
#include "base/threads.h"
#include "cpu/cache.h"
#include "kernels/kernels.h"
#include "ops/parallel.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kFewRows = 8;
constexpr size_t kExactRows = 2;  // up to here memory is the limit (PackedKernels::planes_cost)
constexpr size_t kMaxLanes = 16;
constexpr size_t kMaxTileRows = 8, kMaxPanelCols = 3 * kMaxLanes;
constexpr size_t kMinScaleElems = 16;
constexpr size_t kSliceK = 640;  // at most

// Room for n rows of codes in the calling thread's scratch.
struct CodeRows {
  int8_t* q;
  float* d;
  int32_t* sums;
  size_t k;

  CodeRows(size_t n, size_t width)
      : q(scratch<int8_t>(n * width, ScratchSlot::kCodes)),
        d(scratch<float>(n * (width / 32), ScratchSlot::kCodeScales)),
        sums(scratch<int32_t>(n * (width / 16), ScratchSlot::kCodeSums)),
        k(width) {}
  void quantize(size_t row, const float* x) const {
    active_kernels().quantize_int8(k, x, q + row * k, d + row * (k / 32), sums + row * (k / 16));
  }
  // Codes that add nothing.
  void clear(size_t row) const {
    std::fill_n(q + row * k, k, int8_t{0});
    std::fill_n(d + row * (k / 32), k / 32, 0.0f);
    std::fill_n(sums + row * (k / 16), k / 16, 0);
  }
  // A row: x; another: what it left over.
  void quantize_twice(size_t row, size_t rest_row, const float* x) const {
    quantize(row, x);
    const int8_t* codes = q + row * k;
    const float* scales = d + row * (k / 32);
    float* rest = scratch<float>(k, ScratchSlot::kConverted);
    for (size_t b = 0; b < k / 32; ++b)
      for (size_t j = 32 * b; j < 32 * (b + 1); ++j)
        rest[j] = x[j] - scales[b] * static_cast<float>(codes[j]);
    quantize(rest_row, rest);
  }
  Int8Rows rows() const noexcept { return {q, d, sums, k}; }
};

// visit(i0, i1) for stretches of the m rows of A, by all threads.
template <typename Visit>
void for_each_stretch(size_t m, size_t k, const Visit& visit) {
  const size_t rows = std::max<size_t>(1, 16384 / k);
  thread_pool().run_near(ceil_div(m, rows),
                         [&](size_t part, int) { visit(part * rows, std::min(m, (part + 1) * rows)); });
}

Int8Rows quantize_rows(size_t m, const float* a, size_t lda, size_t k) {
  const CodeRows codes(m, k);
  for_each_stretch(m, k, [&](size_t i0, size_t i1) {
    for (size_t i = i0; i < i1; ++i) codes.quantize(i, a + i * lda);
  });
  return codes.rows();
}

// What tiles read of A: its rows' codes, once or as two planes, and the run terms of every format among the
// outputs, kept once for all outputs of that format. Where only some rows are exact, their second planes
// stand behind all first ones.
class PanelRows {
 public:
  PanelRows(size_t m, const float* a, size_t lda, size_t k, bool exact, std::span<const size_t> exact_rows,
            std::span<const GemmOutput> outputs)
      : planes_(exact ? 2 : 1),
        m_(m),
        exact_rows_(exact ? std::span<const size_t>() : exact_rows),
        outputs_(outputs),
        codes_(n_codes(), k),
        terms_(scratch<int32_t>(outputs.size() * n_codes() * (k / kMinScaleElems), ScratchSlot::kRunTerms)) {
    for_each_stretch(m, k, [&](size_t i0, size_t i1) {
      size_t e = first_exact(i0);
      for (size_t i = i0; i < i1; ++i) {
        if (exact)
          codes_.quantize_twice(2 * i, 2 * i + 1, a + i * lda);
        else if (e < exact_rows_.size() && exact_rows_[e] == i)
          codes_.quantize_twice(i, m_ + e++, a + i * lda);
        else
          codes_.quantize(i, a + i * lda);
      }
      fill_terms(planes_ * i0, planes_ * (i1 - i0));
    });
    fill_terms(planes_ * m, exact_rows_.size());
  }

  bool exact() const noexcept { return planes_ == 2; }
  // From row i of A and column k0.
  Int8Rows codes(size_t i, size_t k0) const noexcept { return codes_.rows().from(planes_ * i, k0); }
  const int32_t* terms(const PackedKernels& packed, size_t i, size_t k0) const noexcept {
    return terms_at(packed, planes_ * i, k0);
  }
  // Second planes of single rows: from the idx-th on.
  std::span<const size_t> exact_rows() const noexcept { return exact_rows_; }
  size_t first_exact(size_t row) const noexcept {
    return static_cast<size_t>(std::lower_bound(exact_rows_.begin(), exact_rows_.end(), row) -
                               exact_rows_.begin());
  }
  Int8Rows rest_codes(size_t idx, size_t k0) const noexcept { return codes_.rows().from(m_ + idx, k0); }
  const int32_t* rest_terms(const PackedKernels& packed, size_t idx, size_t k0) const noexcept {
    return terms_at(packed, m_ + idx, k0);
  }

 private:
  size_t n_codes() const noexcept { return planes_ * m_ + exact_rows_.size(); }
  int32_t* terms_at(const PackedKernels& packed, size_t row, size_t k0) const noexcept {
    return terms_ + first_like(packed) * n_codes() * (codes_.k / kMinScaleElems) +
           row * (codes_.k / packed.scale_elems) + k0 / packed.scale_elems;
  }
  // Of rows [row, row + n) of codes, for every format.
  void fill_terms(size_t row, size_t n) const {
    if (n == 0) return;
    for (size_t t = 0; t < outputs_.size(); ++t) {
      const PackedKernels& packed = *outputs_[t].w.packed;
      if (first_like(packed) == t) packed.run_terms(n, codes_.rows().from(row, 0), terms_at(packed, row, 0));
    }
  }
  // The first output of this format.
  size_t first_like(const PackedKernels& packed) const noexcept {
    size_t t = 0;
    while (outputs_[t].w.packed != &packed) ++t;
    return t;
  }

  size_t planes_, m_;
  std::span<const size_t> exact_rows_;
  std::span<const GemmOutput> outputs_;
  CodeRows codes_;
  int32_t* terms_;
};

// Units (groups or panels) of all targets in one row; visits those in [begin, end) as visit(target, unit).
template <typename Count, typename Visit>
void visit_units(std::span<const GemmOutput> outputs, size_t begin, size_t end, const Count& count,
                 const Visit& visit) {
  size_t first = 0;
  for (const GemmOutput& target : outputs) {
    const size_t n = count(target);
    for (size_t unit = std::max(begin, first); unit < std::min(end, first + n); ++unit)
      visit(target, unit - first);
    first += n;
  }
}

template <typename Count>
size_t total_units(std::span<const GemmOutput> outputs, const Count& count) {
  size_t n = 0;
  for (const GemmOutput& target : outputs) n += count(target);
  return n;
}

// multiply(target, first row, rows) for every group of all targets, shared out in stretches.
template <typename Multiply>
void for_each_group(std::span<const GemmOutput> outputs, const Multiply& multiply) {
  const auto groups = [](const GemmOutput& t) { return ceil_div(t.w.rows, t.w.packed->lanes); };
  parallel_stretches(total_units(outputs, groups), [&](size_t begin, size_t end) {
    const auto visit = [&](const GemmOutput& t, size_t group) {
      const size_t first = group * t.w.packed->lanes;
      multiply(t, first, std::min(t.w.packed->lanes, t.w.rows - first));
    };
    visit_units(outputs, begin, end, groups, visit);
  });
}

void multiply_few(size_t m, Int8Rows x, std::span<const GemmOutput> outputs, const GemmOptions& options) {
  for_each_group(outputs, [&](const GemmOutput& t, size_t first, size_t n_rows) {
    t.w.packed->rows(m, n_rows, t.w.data + first * t.w.row_bytes(), x, t.c + first, t.ldc, options.alpha,
                     options.accumulate);
  });
}

// x has every row twice (quantize_exactly).
void multiply_exactly(size_t m, Int8Rows x, std::span<const GemmOutput> outputs, const GemmOptions& options) {
  for_each_group(outputs, [&](const GemmOutput& t, size_t first, size_t n_rows) {
    multiply_group_exactly(*t.w.packed, m, n_rows, t.w.data + first * t.w.row_bytes(), x, t.c + first, t.ldc,
                           options.alpha, options.accumulate);
  });
}

// K cut into equal slices of whole blocks, of which a panel takes at most five eighths of the L1 cache if it
// can.
size_t slice_of(size_t k, size_t block, size_t panel_cols) {
  const size_t most = std::min(kSliceK, l1_data_bytes() / 8 * 5 / panel_cols);
  return ceil_div(ceil_div(k, ceil_div(k, most)), block) * block;
}

// c (m, n) = or += the sums of neighbouring rows of `planes` (2 m, width).
void add_planes(size_t m, size_t n, const float* planes, size_t width, float* c, size_t ldc,
                bool accumulate) {
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      const float y = planes[2 * i * width + j] + planes[(2 * i + 1) * width + j];
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + y : y;
    }
}

// Rows [m0, m1) of A, all of them two planes of codes, against the panel.
void multiply_planes(const PackedKernels& p, size_t m0, size_t m1, size_t n, size_t k, const PanelRows& x,
                     size_t k0, const Int8Panel& panel, float* c, size_t ldc, float alpha, bool accumulate) {
  float planes[kMaxTileRows * kMaxPanelCols];
  const size_t step = p.tile_rows / 2;
  for (size_t i = m0; i < m1; i += step) {
    const size_t rows = std::min(step, m1 - i);
    p.tile(2 * rows, n, k, x.codes(i, k0), x.terms(p, i, k0), panel, planes, p.panel_cols, alpha, false);
    add_planes(rows, n, planes, p.panel_cols, c + i * ldc, ldc, accumulate);
  }
}

// Adds the second planes of the exact rows among [m0, m1) of A.
void add_rest(const PackedKernels& p, size_t m0, size_t m1, size_t n, size_t k, const PanelRows& x, size_t k0,
              const Int8Panel& panel, float* c, size_t ldc, float alpha) {
  float rest[kMaxTileRows * kMaxPanelCols];
  const size_t end = x.first_exact(m1);
  for (size_t e = x.first_exact(m0); e < end; e += p.tile_rows) {
    const size_t count = std::min(p.tile_rows, end - e);
    p.tile(count, n, k, x.rest_codes(e, k0), x.rest_terms(p, e, k0), panel, rest, p.panel_cols, alpha, false);
    for (size_t i = 0; i < count; ++i)
      for (size_t j = 0; j < n; ++j) c[x.exact_rows()[e + i] * ldc + j] += rest[i * p.panel_cols + j];
  }
}

void multiply_panel(size_t m0, size_t m1, const PanelRows& x, const GemmOutput& t, size_t panel_idx,
                    const GemmOptions& options) {
  const PackedKernels& p = *t.w.packed;
  const size_t k = t.w.cols, slice = slice_of(k, t.w.format->block_elems, p.panel_cols);
  const size_t n0 = panel_idx * p.panel_cols, cols = std::min(p.panel_cols, t.w.rows - n0);
  const size_t scales = slice / p.scale_elems * p.panel_cols;
  Int8Panel panel{scratch<uint8_t>(slice * p.panel_cols, ScratchSlot::kPanels),
                  scratch<float>(2 * scales, ScratchSlot::kScales), nullptr};
  panel.min = panel.d + scales;
  for (size_t k0 = 0; k0 < k; k0 += slice) {
    const size_t kc = std::min(slice, k - k0);
    for (size_t column = 0; column < p.panel_cols; column += p.lanes) {
      // Beyond the last group the columns repeat it; their results are not stored.
      const size_t group = std::min((n0 + column) / p.lanes, (t.w.rows - 1) / p.lanes);
      p.unpack_codes(kc, t.w.data + p.lanes * (group * t.w.row_bytes() + t.w.format->bytes(k0)), panel,
                     column);
    }
    const bool accumulate = options.accumulate || k0 > 0;
    float* c = t.c + n0;
    if (x.exact())
      multiply_planes(p, m0, m1, cols, kc, x, k0, panel, c, t.ldc, options.alpha, accumulate);
    else
      p.tile(m1 - m0, cols, kc, x.codes(m0, k0), x.terms(p, m0, k0), panel, c + m0 * t.ldc, t.ldc,
             options.alpha, accumulate);
    add_rest(p, m0, m1, cols, kc, x, k0, panel, c, t.ldc, options.alpha);
  }
}

void multiply_panels(size_t m, const PanelRows& x, std::span<const GemmOutput> outputs,
                     const GemmOptions& options) {
  const auto panels = [](const GemmOutput& t) { return ceil_div(t.w.rows, t.w.packed->panel_cols); };
  const size_t n = total_units(outputs, panels), threads = static_cast<size_t>(thread_pool().size());
  // Few columns for many threads: the rows are cut too.
  const size_t row_parts = std::clamp<size_t>(ceil_div(8 * threads, n), 1, ceil_div(m, 96));
  const size_t rows = ceil_div(ceil_div(m, row_parts), 12) * 12;
  thread_pool().run_near(n * row_parts, [&](size_t task, int) {
    const size_t m0 = task / n * rows, m1 = std::min(m, m0 + rows), unit = task % n;
    if (m0 >= m1) return;
    visit_units(outputs, unit, unit + 1, panels,
                [&](const GemmOutput& t, size_t panel) { multiply_panel(m0, m1, x, t, panel, options); });
  });
}

// quantize_exactly, but rows that is_exact(i) does not name have a second plane of nothing: each result is,
// bit for bit, what it is with one plane.
template <typename IsExact>
Int8Rows quantize_planes(size_t m, const float* x, size_t ldx, size_t k, const IsExact& is_exact) {
  const CodeRows codes(2 * m, k);
  for (size_t i = 0; i < m; ++i) {
    if (is_exact(i)) {
      codes.quantize_twice(2 * i, 2 * i + 1, x + i * ldx);
    } else {
      codes.quantize(2 * i, x + i * ldx);
      codes.clear(2 * i + 1);
    }
  }
  return codes.rows();
}

// How many rows are all multiplied as two planes of codes. What a row is alone it must be beside others, too,
// if they are to be steady.
size_t rows_in_planes(std::span<const GemmOutput> outputs, bool exact, const GemmOptions& options) {
  if (exact) return kSteadyRows;
  const auto costs = [](const GemmOutput& t) { return t.w.packed->planes_cost; };
  if (std::any_of(outputs.begin(), outputs.end(), costs)) return 0;
  return options.steady || !options.exact_rows.empty() ? kSteadyRows : kExactRows;
}

}  // namespace

Int8Rows quantize_exactly(size_t m, const float* x, size_t ldx, size_t k) {
  return quantize_planes(m, x, ldx, k, [](size_t) { return true; });
}

void multiply_group_exactly(const PackedKernels& packed, size_t m, size_t n_rows, const std::byte* group,
                            const Int8Rows& x, float* c, size_t ldc, float alpha, bool accumulate) {
  float both[2 * kSteadyRows * kMaxLanes];
  packed.rows(2 * m, n_rows, group, x, both, kMaxLanes, alpha, false);
  add_planes(m, n_rows, both, kMaxLanes, c, ldc, accumulate);
}

void gemm_int8(size_t m, const float* a, size_t lda, size_t k, std::span<const GemmOutput> outputs,
               bool exact, GemmOptions options) {
  for (const GemmOutput& t : outputs) HONE_CHECK(t.w.packed != nullptr && t.w.cols == k && k % 32 == 0);
  const auto is_exact = [&](size_t i) {
    return std::binary_search(options.exact_rows.begin(), options.exact_rows.end(), i);
  };
  if (m <= rows_in_planes(outputs, exact, options))
    multiply_exactly(m, quantize_exactly(m, a, lda, k), outputs, options);
  else if (m <= kFewRows && !options.exact_rows.empty())
    multiply_exactly(m, quantize_planes(m, a, lda, k, is_exact), outputs, options);
  else if (m <= kFewRows)
    multiply_few(m, quantize_rows(m, a, lda, k), outputs, options);
  else
    multiply_panels(m, PanelRows(m, a, lda, k, exact, options.exact_rows, outputs), outputs, options);
}

}  // namespace hone
