// The output is split into groups of columns (and, when there are few, blocks of rows), one task each. A task
// unpacks its columns of W for a slice of K into panels that fit the L2 cache, then runs every row of A
// over them, so that unpacking is paid once for many tokens; the terms of a sum are further slices.
#include "ops/gemm_panels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/round.h"
#include "base/threads.h"
#include "cpu/cache.h"
#include "kernels/kernels.h"
#include "ops/gemm_operands.h"
#include "ops/halves.h"
#include "ops/panel_pack.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kMaxBlock = 256;  // columns a task takes of formats with long blocks, at most
constexpr size_t kMinGroup = 32, kMaxGroup = 288;  // of the others: multiples of a panel
constexpr size_t kGroupBytes = 256 << 10;          // of C that a task should keep in the L2 cache, at least
constexpr size_t kUnpackRows = 48;  // unpacking columns of W costs about as much as multiplying so many rows
constexpr size_t kThreadRows = 64;  // rows of its own are worth unpacking all of W for every thread
constexpr size_t kManyGroups = 8;   // for each thread: their sizes no longer matter
constexpr size_t kTakenRows = 512, kMaxTaken = 4;  // rows of sums that are not stored, and how many sums

struct Problem {
  const Kernels& ks;
  WeightLayout layout;
  std::span<const GemmTarget> targets;
  const GemmOptions& options;
  const TakeSums* take = nullptr;  // a task then has the same columns of all targets
  bool rows_by_thread = false;
  size_t step_m = 1;              // rows are cut at multiples of it
  size_t step_k = 1, most_k = 0;  // slices of K begin at multiples of the first and are at most so long
  PanelWidths widths = {};

  size_t m() const { return targets[0].terms[0].a.m; }
  size_t n_of(const GemmTarget& t) const {
    const MatrixView& w = t.terms[0].w;
    return layout == WeightLayout::kNt ? w.rows : w.cols;
  }
  // Those that share out the columns.
  std::span<const GemmTarget> cut_targets() const { return take != nullptr ? targets.first(1) : targets; }
  // Of all targets.
  size_t n() const {
    size_t n = 0;
    for (const GemmTarget& t : targets) n += n_of(t);
    return n;
  }
};

// A task's part of one target: columns [n0, n0 + cols), rows [m0, m1), in c.
struct Part {
  const GemmTarget* target;
  size_t n0, cols, m0, m1;
  float* c;
  size_t ldc;

  size_t rows() const noexcept { return m1 - m0; }
};

// Of an L2 cache of 2 MB 576 KB.
size_t group_bytes() {
  return std::max(kGroupBytes, l2_bytes() / 32 * 9);
}

// Rows in equal steps of at most `most`.
size_t step_of(size_t n, size_t most) {
  return ceil_div(n, std::max<size_t>(1, ceil_div(n, most)));
}

// K in equal slices of whole blocks and steps.
size_t slice_of(size_t k, size_t block, const Problem& p) {
  const size_t step = std::max(block, p.step_k), most = std::max(p.most_k / step, size_t{1}) * step;
  return std::min(round_up(ceil_div(k, ceil_div(k, most)), step), most);
}

// How the work is cut.
struct Cut {
  size_t group = 0, n_groups = 0, rows = 0, row_blocks = 1;
};

Cut cut_into(const Problem& p, size_t group, size_t threads) {
  Cut cut{.group = group, .row_blocks = p.take != nullptr ? ceil_div(p.m(), kTakenRows) : 1};
  for (const GemmTarget& t : p.cut_targets()) cut.n_groups += ceil_div(p.n_of(t), group);
  // Few columns (LoRA's skinny products): split the rows too, so that every thread has work.
  if (cut.n_groups * cut.row_blocks < 2 * threads)
    cut.row_blocks = std::clamp<size_t>(p.m() / 48, 1, ceil_div(2 * threads, cut.n_groups));
  if (p.rows_by_thread && p.m() >= kThreadRows * threads) cut.row_blocks = std::max(cut.row_blocks, threads);
  cut.rows = round_up(ceil_div(p.m(), cut.row_blocks), p.step_m);
  return cut;
}

// What a task's columns cost for each of its rows: narrow panels more than they are wide.
size_t cost_of(size_t cols, PanelWidths widths) {
  const size_t rest = cols % widths.most, narrow = rest == 0 ? 0 : widths.of(rest);
  return cols - rest + (narrow < widths.most ? narrow + narrow / 4 : narrow);
}

// The work of the busiest thread, tasks being taken in turn.
size_t busiest(const Problem& p, const Cut& cut, size_t threads) {
  std::vector<size_t> work(threads);
  for (size_t row = 0; row < p.m(); row += cut.rows)
    for (const GemmTarget& t : p.cut_targets())
      for (size_t n = 0; n < p.n_of(t); n += cut.group)
        *std::min_element(work.begin(), work.end()) += (std::min(cut.rows, p.m() - row) + kUnpackRows) *
                                                       cost_of(std::min(cut.group, p.n_of(t) - n), p.widths);
  return *std::max_element(work.begin(), work.end());
}

// Wide groups of columns read A less often, as long as C stays at hand; narrow ones spread better over the
// threads: the widest whose busiest thread has the least to do.
Cut cut_of(const Problem& p) {
  const size_t threads = static_cast<size_t>(thread_pool().size());
  size_t block = 1;
  for (const GemmTarget& t : p.targets)
    if (p.layout == WeightLayout::kNn)
      for (const GemmTerm& term : t.terms) block = std::max(block, term.w.format->block_elems);
  if (block > 32) return cut_into(p, round_up(std::min(kMaxBlock, p.n()), block), threads);
  const size_t row_bytes =
      sizeof(float) * (p.take != nullptr ? std::min(p.m(), kTakenRows) * p.targets.size() : p.m());
  const size_t most = std::clamp(group_bytes() / row_bytes / kMinGroup * kMinGroup, 3 * kMinGroup, kMaxGroup);
  Cut best = cut_into(p, most, threads);
  // A softmax over blocks of its row's sums must not depend on the number of threads.
  const bool alone = p.take != nullptr && p.targets.size() == 1;
  if (alone || best.n_groups > kManyGroups * threads) return best;
  size_t least = busiest(p, best, threads);
  for (size_t group = most - kMinGroup; group >= kMinGroup; group -= kMinGroup) {
    const Cut cut = cut_into(p, group, threads);
    const size_t work = busiest(p, cut, threads);
    if (work >= least) continue;
    least = work;
    best = cut;
  }
  return best;
}

Part part_of(const Problem& p, const Cut& cut, size_t task) {
  size_t idx = task % cut.n_groups;
  const GemmTarget* t = p.targets.data();
  for (; idx >= ceil_div(p.n_of(*t), cut.group); ++t) idx -= ceil_div(p.n_of(*t), cut.group);
  const size_t n0 = idx * cut.group, m0 = task / cut.n_groups * cut.rows;
  return {t,
          n0,
          std::min(cut.group, p.n_of(*t) - n0),
          m0,
          std::min(p.m(), m0 + cut.rows),
          p.take != nullptr ? nullptr : t->c + m0 * t->ldc + n0,
          t->ldc};
}

// Walks through the slices of a part, term by term.
class Cursor {
 public:
  Cursor(const Problem& p, const Part& part) : p_(&p), part_(&part) { settle(); }
  bool done() const { return term_ == part_->target->terms.size(); }
  const GemmTerm& term() const { return part_->target->terms[term_]; }
  size_t k0() const { return k0_; }
  size_t kc() const { return kc_; }
  PanelSlice columns() const { return {term().w, part_->n0, part_->cols, k0_, kc_}; }
  void next() {
    k0_ += kc_;
    settle();
  }

 private:
  void settle() {
    for (; !done() && k0_ >= term().a.k; k0_ = 0) ++term_;
    if (done()) return;
    const size_t block = p_->layout == WeightLayout::kNt ? term().w.format->block_elems : 1;
    kc_ = std::min(slice_of(term().a.k, block, *p_), term().a.k - k0_);
  }
  const Problem* p_;
  const Part* part_;
  size_t term_ = 0, k0_ = 0, kc_ = 0;
};

// A slice of W, unpacked, with the columns of A that it is multiplied by.
struct Unpacked {
  const Problem& p;
  const Part& part;
  const GemmRows& a;
  size_t k0, kc;
  const uint32_t* panels;
  const float* factors;
  bool add;  // to C, instead of in its place

  float* c(size_t m, size_t n) const { return part.c + (m - part.m0) * part.ldc + n; }
};

// A tile of C, mr rows and nr columns from (m, n) on.
struct TileAt {
  size_t m, mr, n, nr;
};

void multiply(F32Panels, const Unpacked& u, const TileAt& t) {
  const GemmRows& a = u.a;
  u.p.ks.tile_f32(t.mr, t.nr, u.kc, a.a + t.m * a.row + u.k0 * a.col, a.row, a.col,
                  reinterpret_cast<const float*>(u.panels + t.n * u.kc), u.p.ks.tile_n, u.c(t.m, t.n),
                  u.part.ldc, u.p.options.alpha, u.add);
}

void multiply(Bf16Panels, const Unpacked& u, const TileAt& t) {
  const size_t pairs = Bf16Panels::depth(u.kc), lda = Bf16Panels::depth(u.a.k);
  u.p.ks.tile_bf16(t.mr, t.nr, pairs, u.a.halves + t.m * lda + u.k0 / 2, lda, u.panels + t.n * pairs,
                   u.c(t.m, t.n), u.part.ldc, u.p.options.alpha, u.add);
}

void multiply(F16Panels, const Unpacked& u, const TileAt& t) {
  const size_t pairs = F16Panels::depth(u.kc), lda = F16Panels::depth(u.a.k);
  const F16Kernels& f16 = *u.p.ks.f16;
  const size_t width = u.p.widths.of(u.part.cols - t.n);
  f16.tile(t.mr, t.nr, pairs, u.a.halves + t.m * lda + u.k0 / 2, lda, u.panels + t.n * pairs, width,
           u.c(t.m, t.n), u.part.ldc, u.a.factors + t.m, u.p.options.alpha * u.factors[t.n / u.p.widths.most],
           u.add);
}

void multiply(I16Panels, const Unpacked& u, const TileAt& t) {
  const size_t pairs = I16Panels::depth(u.kc), lda = I16Panels::depth(u.a.k), runs = i16_runs(u.a.k);
  const I16Rows rows{u.a.halves + t.m * lda + u.k0 / 2, lda, u.a.factors + t.m * runs + u.k0 / kI16Run, runs};
  u.p.ks.i16->tile(t.mr, t.nr, pairs, rows, u.panels + t.n * pairs, u.factors + t.n, u.c(t.m, t.n),
                   u.part.ldc, u.p.options.alpha, u.add);
}

void multiply(Int8Panels, const Unpacked& u, const TileAt& t) {
  const Int8Codes a(u.a);
  auto* codes = reinterpret_cast<uint8_t*>(const_cast<uint32_t*>(u.panels + t.n * Int8Panels::depth(u.kc)));
  auto* scales = const_cast<float*>(u.factors + t.n / u.p.widths.most * Int8Panels::n_factors(u.p.ks));
  u.p.ks.int8()->tile(t.mr, t.nr, u.kc, a.rows(t.m, u.k0), a.terms(t.m, u.k0), {codes, scales, nullptr},
                      u.c(t.m, t.n), u.part.ldc, u.p.options.alpha, u.add);
}

// The tiles of an unpacked slice: rows in blocks that stay in a cache; for each block, one panel of columns
// at a time, read again by every tile of the block's rows. What is needed next is asked for meanwhile.
template <typename Panels>
void multiply_slice(const Unpacked& u, SliceAhead& ahead) {
  const Part& part = u.part;
  const size_t mr = Panels::tile_m(u.p.ks), nr = u.p.widths.most;
  const size_t most = std::max(Panels::block_m(u.p.ks) / mr, size_t{1}) * mr;
  const size_t block = round_up(step_of(part.m1 - part.m0, most), mr);
  const size_t n_tiles = ceil_div(part.m1 - part.m0, mr) * ceil_div(part.cols, nr);
  const size_t lines = Panels::kAsksItself ? 0 : ceil_div(ahead.n_lines(), n_tiles);
  for (size_t first = part.m0; first < part.m1; first += block) {
    const size_t last = std::min(part.m1, first + block), step = step_of(last - first, mr);
    for (size_t n = 0; n < part.cols; n += nr)
      for (size_t m = first; m < last; m += step) {
        ahead.ask(lines);
        multiply(Panels{}, u, {m, std::min(step, last - m), n, std::min(nr, part.cols - n)});
      }
  }
}

void clear(const Part& part) {
  for (size_t r = 0; r < part.rows(); ++r) std::memset(part.c + r * part.ldc, 0, part.cols * sizeof(float));
}

// The stored bytes that are unpacked next: the part's next slice, or the next part's first.
SliceAhead ahead_of(const Problem& p, const Cursor& next, const Part* next_part) {
  if (!next.done()) return {p.layout, next.columns()};
  if (next_part != nullptr)
    if (const Cursor first(p, *next_part); !first.done()) return {p.layout, first.columns()};
  return {};
}

template <typename Panels>
void run_part(const Problem& p, const Part& part, const Part* next_part, uint32_t* panels) {
  bool add = p.options.accumulate;
  float* factors =
      scratch<float>(ceil_div(part.cols, p.widths.most) * Panels::n_factors(p.ks), ScratchSlot::kPanelScales);
  for (Cursor at(p, part), next = at; !at.done(); at = next) {
    Panels::pack(p.ks, p.layout, at.columns(), panels, factors);
    next.next();
    SliceAhead ahead = ahead_of(p, next, next_part);
    multiply_slice<Panels>({p, part, at.term().a, at.k0(), at.kc(), panels, factors, add}, ahead);
    add = true;
  }
  if (!add) clear(part);
}

// The task's part of every target, one after another, into scratch; then they are taken.
template <typename Panels>
void run_taken(const Problem& p, const Part& all, const Part* next_part, uint32_t* panels) {
  Part part = all;
  part.ldc = round_up(part.cols, p.widths.least);
  float* sums = scratch<float>(p.targets.size() * part.rows() * part.ldc, ScratchSlot::kSums);
  std::array<float*, kMaxTaken> firsts;
  for (size_t i = 0; i < p.targets.size(); ++i) {
    part.target = &p.targets[i];
    part.c = sums + i * part.rows() * part.ldc;
    firsts[i] = part.c;
    Part next = part;
    next.target = &p.targets[i] + 1;
    run_part<Panels>(p, part, i + 1 < p.targets.size() ? &next : next_part, panels);
  }
  (*p.take)({part.m0, part.rows(), part.n0, part.cols, std::span(firsts).first(p.targets.size()), part.ldc});
}

template <typename Panels>
void run(Problem p) {
  p.step_k = Panels::kStepK;
  p.most_k = Panels::most_k(p.ks);
  p.widths = Panels::widths(p.ks);
  p.rows_by_thread = Panels::rows_by_thread(p.ks);
  p.step_m = Panels::step_m(p.ks);
  const Cut cut = cut_of(p);
  const size_t n_tasks = cut.n_groups * cut.row_blocks;
  thread_pool().run_near(n_tasks, [&](size_t task, int) {
    const Part part = part_of(p, cut, task);
    if (part.m0 >= part.m1) return;
    // Probably this thread's next task.
    const bool more = task + 1 < n_tasks;
    const Part next_part = more ? part_of(p, cut, task + 1) : Part{};
    auto* panels = scratch<uint32_t>(round_up(cut.group, p.widths.most) * Panels::depth(kMaxSliceK),
                                     ScratchSlot::kPanels);
    (p.take != nullptr ? run_taken<Panels> : run_part<Panels>)(p, part, more ? &next_part : nullptr, panels);
  });
}

template <typename Panels>
void run_converted(OperandKind kind, Problem p) {
  const ConvertedTargets converted(p.ks, kind, p.targets);
  p.targets = converted.targets();
  run<Panels>(p);
}

}  // namespace

void gemm_panels(WeightLayout layout, std::span<const GemmTarget> targets, const GemmOptions& options,
                 const TakeSums* take) {
  HONE_CHECK(take == nullptr || targets.size() <= kMaxTaken);
  const Kernels& ks = active_kernels();
  const Problem p{ks, layout, targets, options, take};
  if (multiplies_in_i16(ks, p.m(), p.n(), options.compute))
    run_converted<I16Panels>(OperandKind::kI16, p);
  else if (!multiplies_in_halves(options.compute))
    run<F32Panels>(p);
  else if (ks.f16 != nullptr)
    run_converted<F16Panels>(OperandKind::kF16, p);
  else
    run_converted<Bf16Panels>(OperandKind::kBf16, p);
}

void gemm_int8_panels(WeightLayout layout, std::span<const GemmTarget> targets, const GemmOptions& options) {
  run_converted<Int8Panels>(OperandKind::kInt8, {active_kernels(), layout, targets, options});
}

}  // namespace hone
