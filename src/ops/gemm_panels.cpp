// The output is split into groups of columns (and, when there are few, blocks of rows), one task each. A task
// unpacks its columns of W for a slice of K into a panel that fits the L2 cache, then runs every row of A
// over it, so that unpacking is paid once for many tokens.
#include "ops/gemm_panels.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kSliceK = 320;     // at most: 32 columns of it in bf16 are 20 KB of the L1 cache
constexpr size_t kBlockRows = 192;  // rows of A kept in the L2 cache: 192 KB of a slice
constexpr size_t kMaxGroup = 256;   // columns a task unpacks at once, at most
constexpr size_t kGroup = 96;       // unless the format's blocks are longer; a multiple of 32

size_t round_up(size_t n, size_t step) {
  return (n + step - 1) / step * step;
}
size_t ceil_div(size_t n, size_t by) {
  return (n + by - 1) / by;
}

// The first block that a slice of a group of interleaved rows starts with.
const std::byte* packed_slice(const MatrixView& w, size_t row, size_t begin) {
  return w.data + row / w.packed->lanes * w.packed->lanes * w.row_bytes() +
         w.packed->lanes * w.format->bytes(begin);
}

// Columns [n0, n0 + width) of W^T (rows of W) for k [k0, k0 + kc) as f32 [kc][nr]; columns beyond become
// zeros.
void unpack_columns(const Kernels& ks, const MatrixView& w, size_t n0, size_t width, size_t k0, size_t kc,
                    size_t nr, float* out) {
  if (w.packed != nullptr) {
    for (size_t n = 0; n < nr; n += w.packed->lanes) {
      if (n < width)
        w.packed->unpack_f32(kc, packed_slice(w, n0 + n, k0), out + n, nr);
      else
        for (size_t k = 0; k < kc; ++k) std::memset(out + k * nr + n, 0, w.packed->lanes * sizeof(float));
    }
    return;
  }
  float* rows = scratch<float>(nr * kSliceK, ScratchSlot::kDecoded);
  for (size_t r = 0; r < width; ++r) decode_elements(w, n0 + r, k0, kc, rows + r * kc);
  if (width < nr) std::memset(rows + width * kc, 0, (nr - width) * kc * sizeof(float));
  ks.transpose32(nr, kc, reinterpret_cast<const uint32_t*>(rows), kc, reinterpret_cast<uint32_t*>(out), nr);
}

// Rows [k0, k0 + n_rows) of W, n_rows <= 16, columns [n0, n0 + cols) as f32 [n_rows][stride]; cols on block
// boundaries.
void unpack_rows(const Kernels& ks, const MatrixView& w, size_t k0, size_t n_rows, size_t n0, size_t cols,
                 float* out, size_t stride) {
  if (w.packed == nullptr || w.packed->lanes > n_rows) {
    for (size_t r = 0; r < n_rows; ++r) decode_elements(w, k0 + r, n0, cols, out + r * stride);
    return;
  }
  const size_t lanes = w.packed->lanes;
  float* turned = scratch<float>(cols * lanes, ScratchSlot::kDecoded);
  for (size_t r = 0; r < n_rows; r += lanes) {
    const size_t n = std::min(lanes, n_rows - r);
    w.packed->unpack_f32(cols, packed_slice(w, k0 + r, n0), turned, lanes);
    ks.transpose32(cols, n, reinterpret_cast<const uint32_t*>(turned), lanes,
                   reinterpret_cast<uint32_t*>(out + r * stride), stride);
  }
}

// Visits the tiles of an unpacked slice: rows in blocks that stay in the L2 cache; for each block, one panel
// of columns at a time, which stays in the L1 cache while every tile of the block's rows passes over it.
template <typename Body>
void for_tiles(size_t m0, size_t m1, size_t mr, size_t cols, size_t nr, const Body& body) {
  const size_t block = kBlockRows / mr * mr;
  for (size_t first = m0; first < m1; first += block) {
    const size_t last = std::min(m1, first + block);
    for (size_t n = 0; n < cols; n += nr)
      for (size_t m = first; m < last; m += mr) body(m, std::min(mr, last - m), n, std::min(nr, cols - n));
  }
}

// A task's part of one target: columns [n0, n0 + cols), rows [m0, m1).
struct Part {
  const GemmTarget* target;
  size_t n0, cols, m0, m1;
};

constexpr size_t kRowsAtOnce = 16;  // rows of W unpacked together when they run along K

// Panels of tile_n columns, each [k][tile_n].
struct F32Panels {
  static size_t tile_n(const Kernels& ks) { return ks.tile_n; }

  static void pack_nt(const Kernels& ks, const Part& part, size_t k0, size_t kc, uint32_t* panels) {
    const size_t nr = tile_n(ks);
    for (size_t n = 0; n < part.cols; n += nr)
      unpack_columns(ks, part.target->w, part.n0 + n, std::min(nr, part.cols - n), k0, kc, nr,
                     reinterpret_cast<float*>(panels) + n * kc);
  }

  static void pack_nn(const Kernels& ks, const Part& part, size_t k0, size_t kc, uint32_t* panels) {
    const size_t nr = tile_n(ks), padded = round_up(part.cols, nr);
    const size_t stored = round_up(part.cols, part.target->w.format->block_elems);
    const size_t stride = std::max(padded, stored);
    float* rows = scratch<float>(kRowsAtOnce * stride, ScratchSlot::kPairs);
    for (size_t k = 0; k < kc; k += kRowsAtOnce) {
      const size_t n_rows = std::min(kRowsAtOnce, kc - k);
      unpack_rows(ks, part.target->w, k0 + k, n_rows, part.n0, stored, rows, stride);
      for (size_t r = 0; r < n_rows; ++r) {
        for (size_t i = part.cols; i < padded; ++i) rows[r * stride + i] = 0;
        for (size_t n = 0; n < padded; n += nr)
          std::memcpy(panels + n * kc + (k + r) * nr, rows + r * stride + n, nr * sizeof(float));
      }
    }
  }

  static void run(const Kernels& ks, const PanelProblem& p, const Part& part, size_t k0, size_t kc,
                  const uint32_t* panels, const uint32_t*) {
    const size_t nr = ks.tile_n, ldc = part.target->ldc;
    for_tiles(part.m0, part.m1, ks.tile_m, part.cols, nr, [&](size_t m, size_t rows, size_t n, size_t width) {
      ks.tile_f32(rows, width, kc, p.a + m * p.a_row + k0 * p.a_col, p.a_row, p.a_col,
                  reinterpret_cast<const float*>(panels + n * kc), nr, part.target->c + m * ldc + part.n0 + n,
                  ldc, p.alpha, p.accumulate || k0 > 0);
    });
  }
};

// The same in bf16: two consecutive k in one 32-bit element. An odd last k is paired with zero.
struct Bf16Panels {
  static size_t tile_n(const Kernels& ks) { return ks.tile_n_bf16; }

  static void pack_nt(const Kernels& ks, const Part& part, size_t k0, size_t kc, uint32_t* panels) {
    const size_t nr = tile_n(ks), pairs = (kc + 1) / 2;
    float* columns = scratch<float>(nr * (kSliceK + 1), ScratchSlot::kPairs);
    for (size_t n = 0; n < part.cols; n += nr, panels += nr * pairs) {
      unpack_columns(ks, part.target->w, part.n0 + n, std::min(nr, part.cols - n), k0, kc, nr, columns);
      if (kc % 2 != 0) std::memset(columns + kc * nr, 0, nr * sizeof(float));
      for (size_t pair = 0; pair < pairs; ++pair)
        ks.pair_bf16(nr, columns + 2 * pair * nr, columns + (2 * pair + 1) * nr, panels + pair * nr);
    }
  }

  static void pack_nn(const Kernels& ks, const Part& part, size_t k0, size_t kc, uint32_t* panels) {
    const size_t nr = tile_n(ks), pairs = (kc + 1) / 2, padded = round_up(part.cols, nr);
    const size_t stored = round_up(part.cols, part.target->w.format->block_elems);
    const size_t stride = std::max(padded, stored);
    float* rows = scratch<float>(kRowsAtOnce * stride, ScratchSlot::kPairs);
    for (size_t k = 0; k < kc; k += kRowsAtOnce) {
      const size_t n_rows = std::min(kRowsAtOnce, kc - k);
      unpack_rows(ks, part.target->w, k0 + k, n_rows, part.n0, stored, rows, stride);
      if (n_rows % 2 != 0) std::memset(rows + n_rows * stride, 0, stride * sizeof(float));
      for (size_t r = 0; r < n_rows + n_rows % 2; ++r)
        for (size_t i = part.cols; i < padded; ++i) rows[r * stride + i] = 0;
      for (size_t r = 0; r < n_rows; r += 2)
        for (size_t n = 0; n < padded; n += nr)
          ks.pair_bf16(nr, rows + r * stride + n, rows + (r + 1) * stride + n,
                       panels + n * pairs + (k + r) / 2 * nr);
    }
  }

  // a16: A as bf16 pairs, row stride a_stride(k) elements of 32 bits.
  static size_t a_stride(size_t k) { return (k + 1) / 2; }
  static void run(const Kernels& ks, const PanelProblem& p, const Part& part, size_t k0, size_t kc,
                  const uint32_t* panels, const uint32_t* a16) {
    const size_t nr = ks.tile_n_bf16, pairs = (kc + 1) / 2, lda = a_stride(p.k), ldc = part.target->ldc;
    for_tiles(part.m0, part.m1, ks.tile_m_bf16, part.cols, nr,
              [&](size_t m, size_t rows, size_t n, size_t width) {
                ks.tile_bf16(rows, width, pairs, a16 + m * lda + k0 / 2, lda, panels + n * pairs,
                             part.target->c + m * ldc + part.n0 + n, ldc, p.alpha, p.accumulate || k0 > 0);
              });
  }
};

// A as bf16 pairs in the calling thread's scratch.
const uint32_t* to_bf16_pairs(const Kernels& ks, const PanelProblem& p) {
  const size_t lda = Bf16Panels::a_stride(p.k);
  auto* out = scratch<uint32_t>(p.m * lda, ScratchSlot::kHalves);
  constexpr size_t kRows = 16;
  thread_pool().run(ceil_div(p.m, kRows), [&](size_t block, int) {
    const size_t m0 = block * kRows, n = std::min(kRows, p.m - m0);
    float* rows = nullptr;
    if (p.a_col != 1 || p.k % 2 != 0) {
      rows = scratch<float>(kRows * 2 * lda, ScratchSlot::kConverted);
      if (p.a_col == 1)
        for (size_t r = 0; r < n; ++r)
          std::memcpy(rows + r * 2 * lda, p.a + (m0 + r) * p.a_row, p.k * sizeof(float));
      else
        ks.transpose32(p.k, n, reinterpret_cast<const uint32_t*>(p.a + m0 * p.a_row), p.a_col,
                       reinterpret_cast<uint32_t*>(rows), 2 * lda);
      if (p.k % 2 != 0)
        for (size_t r = 0; r < n; ++r) rows[r * 2 * lda + p.k] = 0;
    }
    for (size_t r = 0; r < n; ++r)
      ks.f32_to_bf16(2 * lda, rows != nullptr ? rows + r * 2 * lda : p.a + (m0 + r) * p.a_row,
                     reinterpret_cast<uint16_t*>(out + (m0 + r) * lda));
  });
  return out;
}

// K in equal slices of whole blocks.
size_t slice_of(size_t k, size_t block) {
  const size_t step = std::max<size_t>(block, 32), most = std::max(kSliceK / step, size_t{1}) * step;
  return std::min(round_up(ceil_div(k, ceil_div(k, most)), step), most);
}

// Columns of a target that one task takes. Wide groups reuse each row of A more often; narrow ones spread
// better over the threads: the widest group whose busiest thread has the least to do.
size_t choose_group(size_t n, size_t threads, size_t block) {
  if (block > 32) return round_up(std::min(kMaxGroup, n), block);
  size_t best = kGroup, least = ~size_t{0};
  for (size_t group = kGroup; group >= 32; group -= 32) {
    const size_t rounds = ceil_div(ceil_div(n, group), threads);
    if (rounds * group < least) {
      least = rounds * group;
      best = group;
    }
  }
  return best;
}

template <typename Panels>
void run_panels(const Kernels& ks, const PanelProblem& p, std::span<const GemmTarget> targets,
                const uint32_t* a16) {
  const auto n_of = [&](const GemmTarget& t) { return p.layout == WeightLayout::kNt ? t.w.rows : t.w.cols; };
  const size_t threads = static_cast<size_t>(thread_pool().size());
  size_t n_total = 0, block = 1;
  for (const GemmTarget& t : targets) {
    n_total += n_of(t);
    block = std::max(block, t.w.format->block_elems);
  }
  const bool along_k = p.layout == WeightLayout::kNt;
  const size_t group = choose_group(n_total, threads, along_k ? 1 : block),
               slice = slice_of(p.k, along_k ? block : 1);
  size_t n_groups = 0;
  for (const GemmTarget& t : targets) n_groups += ceil_div(n_of(t), group);
  // Few columns (LoRA's skinny products): split the rows too, so that every thread has work.
  size_t row_blocks = 1;
  if (n_groups < 2 * threads) row_blocks = std::clamp<size_t>(p.m / 48, 1, ceil_div(2 * threads, n_groups));
  const size_t rows = round_up(ceil_div(p.m, row_blocks), 12);

  thread_pool().run(n_groups * row_blocks, [&](size_t task, int) {
    size_t idx = task % n_groups;
    const GemmTarget* t = targets.data();
    for (; idx >= ceil_div(n_of(*t), group); ++t) idx -= ceil_div(n_of(*t), group);
    const size_t n0 = idx * group, m0 = task / n_groups * rows;
    const Part part{t, n0, std::min(group, n_of(*t) - n0), m0, std::min(p.m, m0 + rows)};
    if (part.m0 >= part.m1) return;
    uint32_t* panels = scratch<uint32_t>(round_up(group, 32) * kSliceK, ScratchSlot::kPanels);
    for (size_t k0 = 0; k0 < p.k; k0 += slice) {
      const size_t kc = std::min(slice, p.k - k0);
      if (p.layout == WeightLayout::kNt)
        Panels::pack_nt(ks, part, k0, kc, panels);
      else
        Panels::pack_nn(ks, part, k0, kc, panels);
      Panels::run(ks, p, part, k0, kc, panels, a16);
    }
  });
}

}  // namespace

void gemm_panels(const PanelProblem& problem, std::span<const GemmTarget> targets, bool bf16) {
  const Kernels& ks = active_kernels();
  if (bf16 && ks.tile_bf16 != nullptr)
    run_panels<Bf16Panels>(ks, problem, targets, to_bf16_pairs(ks, problem));
  else
    run_panels<F32Panels>(ks, problem, targets, nullptr);
}

}  // namespace hone
