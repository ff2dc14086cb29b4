// How the products are cut: the output is split into groups of columns (and, when there are few, blocks of
// rows), one task each. A task unpacks its columns of W for a slice of K into a panel that fits the L2 cache,
// then runs every row of A over it, so that unpacking is paid once for many tokens. A few rows (decoding)
// take another road: each stored row of W is multiplied as it stands.
#include "ops/gemm.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"

namespace hone {
namespace {

constexpr size_t kSliceK = 256;     // a multiple of every format's block
constexpr size_t kBlockRows = 192;  // rows of A kept in the L2 cache: 192 KB of a slice
constexpr size_t kFewRows = 8;      // up to here W is multiplied row by row
constexpr size_t kMaxGroup = 96;    // columns a task unpacks at once; a multiple of 32

enum class Layout { kNt, kNn };

struct Problem {
  size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  size_t a_row = 0, a_col = 0;
  MatrixView w;
  Layout layout = Layout::kNt;
  float* c = nullptr;
  size_t ldc = 0;
  float alpha = 1;
  bool accumulate = false;
};

// Per-thread scratch that only grows.
template <typename T>
T* scratch(size_t n, int slot) {
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<std::byte, Free> buffers[6];
  thread_local size_t sizes[6] = {};
  const size_t bytes = (n * sizeof(T) + 63) / 64 * 64;
  if (sizes[slot] < bytes) {
    buffers[slot].reset(static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
    if (!buffers[slot])
      fail(ErrorCode::kResourceExhausted, "memory: cannot allocate {} bytes of scratch", bytes);
    sizes[slot] = bytes;
  }
  return reinterpret_cast<T*>(buffers[slot].get());
}

// Decodes elements [begin, begin + n) of stored row r, begin and n on block boundaries.
void decode(const MatrixView& w, size_t r, size_t begin, size_t n, float* out) {
  const Format& f = *w.format;
  active_kernels().decode_row(f.id)(w.data + r * w.row_bytes() + begin / f.block_elems * f.block_bytes, out,
                                    n);
}

size_t round_up(size_t n, size_t step) {
  return (n + step - 1) / step * step;
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

// The panel of columns [n0, n0 + cols) and k [k0, k0 + kc): panels of tile_n columns, each [k][tile_n].
struct F32Panels {
  static size_t tile_n(const Kernels& ks) { return ks.tile_n; }

  static void pack_nt(const Kernels& ks, const Problem& p, size_t n0, size_t cols, size_t k0, size_t kc,
                      uint32_t* panels) {
    const size_t nr = tile_n(ks);
    float* rows = scratch<float>(nr * kSliceK, 0);
    for (size_t n = 0; n < cols; n += nr, panels += nr * kc) {
      const size_t width = std::min(nr, cols - n);
      for (size_t r = 0; r < width; ++r) decode(p.w, n0 + n + r, k0, kc, rows + r * kc);
      if (width < nr) std::memset(rows + width * kc, 0, (nr - width) * kc * sizeof(float));
      ks.transpose32(nr, kc, reinterpret_cast<const uint32_t*>(rows), kc, panels, nr);
    }
  }

  // block0: n0 rounded down to the format's block; columns are decoded from there.
  static void pack_nn(const Kernels& ks, const Problem& p, size_t n0, size_t cols, size_t k0, size_t kc,
                      uint32_t* panels) {
    const size_t nr = tile_n(ks);
    const size_t padded = round_up(cols, nr);
    const size_t stored = round_up(cols, p.w.format->block_elems);
    float* row = scratch<float>(kMaxGroup * 2, 0);
    std::memset(row, 0, padded * sizeof(float));
    for (size_t k = 0; k < kc; ++k) {
      decode(p.w, k0 + k, n0, stored, row);
      for (size_t n = 0; n < padded; n += nr)
        std::memcpy(panels + n * kc + k * nr, row + n, nr * sizeof(float));
    }
  }

  static void run(const Kernels& ks, const Problem& p, size_t m0, size_t m1, size_t n0, size_t cols,
                  size_t k0, size_t kc, const uint32_t* panels, const uint32_t*) {
    const size_t nr = ks.tile_n;
    for_tiles(m0, m1, ks.tile_m, cols, nr, [&](size_t m, size_t rows, size_t n, size_t width) {
      ks.tile_f32(rows, width, kc, p.a + m * p.a_row + k0 * p.a_col, p.a_row, p.a_col,
                  reinterpret_cast<const float*>(panels + n * kc), nr, p.c + m * p.ldc + n0 + n, p.ldc,
                  p.alpha, p.accumulate || k0 > 0);
    });
  }
};

// The same in bf16: two consecutive k in one 32-bit element. An odd last k is paired with zero.
struct Bf16Panels {
  static size_t tile_n(const Kernels& ks) { return ks.tile_n_bf16; }

  static void pack_nt(const Kernels& ks, const Problem& p, size_t n0, size_t cols, size_t k0, size_t kc,
                      uint32_t* panels) {
    const size_t nr = tile_n(ks), pairs = (kc + 1) / 2;
    float* row = scratch<float>(kSliceK + 1, 0);
    uint32_t* rows = scratch<uint32_t>(nr * kSliceK / 2, 1);
    for (size_t n = 0; n < cols; n += nr, panels += nr * pairs) {
      const size_t width = std::min(nr, cols - n);
      for (size_t r = 0; r < width; ++r) {
        decode(p.w, n0 + n + r, k0, kc, row);
        row[kc] = 0;
        ks.f32_to_bf16(pairs * 2, row, reinterpret_cast<uint16_t*>(rows + r * pairs));
      }
      if (width < nr) std::memset(rows + width * pairs, 0, (nr - width) * pairs * sizeof(uint32_t));
      ks.transpose32(nr, pairs, rows, pairs, panels, nr);
    }
  }

  static void pack_nn(const Kernels& ks, const Problem& p, size_t n0, size_t cols, size_t k0, size_t kc,
                      uint32_t* panels) {
    const size_t nr = tile_n(ks), pairs = (kc + 1) / 2;
    const size_t padded = round_up(cols, nr);
    const size_t stored = round_up(cols, p.w.format->block_elems);
    float* even = scratch<float>(kMaxGroup * 2, 0);
    float* odd = scratch<float>(kMaxGroup * 2, 2);
    std::memset(even, 0, padded * sizeof(float));
    std::memset(odd, 0, padded * sizeof(float));
    for (size_t pair = 0; pair < pairs; ++pair) {
      decode(p.w, k0 + 2 * pair, n0, stored, even);
      if (2 * pair + 1 < kc)
        decode(p.w, k0 + 2 * pair + 1, n0, stored, odd);
      else
        std::memset(odd, 0, padded * sizeof(float));
      for (size_t n = 0; n < padded; n += nr)
        ks.pair_bf16(nr, even + n, odd + n, panels + n * pairs + pair * nr);
    }
  }

  // a16: A as bf16 pairs, row stride a_stride(k) elements of 32 bits.
  static size_t a_stride(size_t k) { return (k + 1) / 2; }
  static void run(const Kernels& ks, const Problem& p, size_t m0, size_t m1, size_t n0, size_t cols,
                  size_t k0, size_t kc, const uint32_t* panels, const uint32_t* a16) {
    const size_t nr = ks.tile_n_bf16, pairs = (kc + 1) / 2, lda = a_stride(p.k);
    for_tiles(m0, m1, ks.tile_m_bf16, cols, nr, [&](size_t m, size_t rows, size_t n, size_t width) {
      ks.tile_bf16(rows, width, pairs, a16 + m * lda + k0 / 2, lda, panels + n * pairs,
                   p.c + m * p.ldc + n0 + n, p.ldc, p.alpha, p.accumulate || k0 > 0);
    });
  }
};

std::vector<uint32_t> to_bf16_pairs(const Kernels& ks, const Problem& p) {
  const size_t lda = Bf16Panels::a_stride(p.k);
  std::vector<uint32_t> out(p.m * lda);
  constexpr size_t kRows = 16;
  thread_pool().run((p.m + kRows - 1) / kRows, [&](size_t block, int) {
    float* row = scratch<float>(p.k + 1, 3);
    for (size_t m = block * kRows; m < std::min(p.m, (block + 1) * kRows); ++m) {
      const float* source = p.a + m * p.a_row;
      if (p.a_col != 1 || p.k % 2 != 0) {
        for (size_t k = 0; k < p.k; ++k) row[k] = source[k * p.a_col];
        row[p.k] = 0;
        source = row;
      }
      ks.f32_to_bf16(2 * lda, source, reinterpret_cast<uint16_t*>(out.data() + m * lda));
    }
  });
  return out;
}

// Wide groups reuse each row of A more often; narrow ones spread better over the threads. The widest group
// whose busiest thread has the least to do.
size_t choose_group(size_t n, size_t threads) {
  size_t best = kMaxGroup, least = ~size_t{0};
  for (size_t group = kMaxGroup; group >= 32; group -= 32) {
    const size_t rounds = ((n + group - 1) / group + threads - 1) / threads;
    if (rounds * group < least) {
      least = rounds * group;
      best = group;
    }
  }
  return best;
}

template <typename Panels>
void run_panels(const Kernels& ks, const Problem& p, const uint32_t* a16) {
  const size_t threads = static_cast<size_t>(thread_pool().size());
  const size_t group = choose_group(p.n, threads);
  const size_t n_groups = (p.n + group - 1) / group;
  // Few columns (LoRA's skinny products): split the rows too, so that every thread has work.
  size_t row_blocks = 1;
  if (n_groups < 2 * threads)
    row_blocks = std::clamp<size_t>(p.m / 48, 1, (2 * threads + n_groups - 1) / n_groups);
  const size_t rows_per_block = round_up((p.m + row_blocks - 1) / row_blocks, 12);

  thread_pool().run(n_groups * row_blocks, [&](size_t task, int) {
    const size_t n0 = task % n_groups * group, cols = std::min(group, p.n - n0);
    const size_t m0 = task / n_groups * rows_per_block, m1 = std::min(p.m, m0 + rows_per_block);
    if (m0 >= m1) return;
    uint32_t* panels = scratch<uint32_t>(kMaxGroup * kSliceK, 4);
    for (size_t k0 = 0; k0 < p.k; k0 += kSliceK) {
      const size_t kc = std::min(kSliceK, p.k - k0);
      if (p.layout == Layout::kNt)
        Panels::pack_nt(ks, p, n0, cols, k0, kc, panels);
      else
        Panels::pack_nn(ks, p, n0, cols, k0, kc, panels);
      Panels::run(ks, p, m0, m1, n0, cols, k0, kc, panels, a16);
    }
  });
}

// A few rows of A against stored rows of W: int8 activations in the fast mode, else f32.
void run_rows(const Kernels& ks, const Problem& p, bool fast) {
  const DotFloat dot_float = ks.dot_float(p.w.format->id);
  const DotInt8 dot_int8 =
      fast && dot_float == nullptr && p.k % 32 == 0 ? ks.dot_int8(p.w.format->id) : nullptr;
  std::vector<int8_t> q;
  std::vector<float> d, sums;
  if (dot_int8 != nullptr) {
    const size_t blocks = p.k / 32;
    q.resize(p.m * p.k);
    d.resize(p.m * blocks);
    sums.resize(p.m * blocks);
    for (size_t m = 0; m < p.m; ++m)
      ks.quantize_int8(p.k, p.a + m * p.a_row, q.data() + m * p.k, d.data() + m * blocks,
                       sums.data() + m * blocks);
  }
  const size_t threads = static_cast<size_t>(thread_pool().size());
  const size_t rows = std::clamp<size_t>(p.n / (threads * 4), 8, 256);
  thread_pool().run((p.n + rows - 1) / rows, [&](size_t task, int) {
    for (size_t n = task * rows; n < std::min(p.n, (task + 1) * rows); ++n) {
      const std::byte* w = p.w.data + n * p.w.row_bytes();
      const float* decoded = nullptr;
      if (dot_int8 == nullptr && dot_float == nullptr) {
        float* row = scratch<float>(p.k, 5);
        decode(p.w, n, 0, p.k, row);
        decoded = row;
      }
      for (size_t m = 0; m < p.m; ++m) {
        float y;
        if (dot_int8 != nullptr) {
          const size_t b = m * (p.k / 32);
          y = dot_int8(p.k, w, {q.data() + m * p.k, d.data() + b, sums.data() + b});
        } else if (decoded != nullptr) {
          y = ks.dot(p.k, decoded, p.a + m * p.a_row);
        } else {
          y = dot_float(p.k, w, p.a + m * p.a_row);
        }
        float& out = p.c[m * p.ldc + n];
        out = p.accumulate ? out + p.alpha * y : p.alpha * y;
      }
    }
  });
}

void run(const Problem& p, ComputeMode compute) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0) {
    if (!p.accumulate)
      for (size_t m = 0; m < p.m; ++m) std::memset(p.c + m * p.ldc, 0, p.n * sizeof(float));
    return;
  }
  const Kernels& ks = active_kernels();
  const bool fast = compute == ComputeMode::kFast;
  if (p.layout == Layout::kNt && p.a_col == 1 && p.m <= kFewRows) return run_rows(ks, p, fast);
  if (fast && ks.tile_bf16 != nullptr) {
    const std::vector<uint32_t> a16 = to_bf16_pairs(ks, p);
    return run_panels<Bf16Panels>(ks, p, a16.data());
  }
  run_panels<F32Panels>(ks, p, nullptr);
}

void check_blocks(const MatrixView& w) {
  HONE_CHECK(w.cols % w.format->block_elems == 0, "{} columns in {}", w.cols, w.format->name);
}

}  // namespace

MatrixView f32_view(const float* data, size_t rows, size_t cols) {
  static const Format& f32 = format_of(FormatId::kF32);
  return {&f32, reinterpret_cast<const std::byte*>(data), rows, cols};
}

void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  check_blocks(w);
  run({m, w.rows, w.cols, a, lda, 1, w, Layout::kNt, c, ldc, options.alpha, options.accumulate},
      options.compute);
}

void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  check_blocks(w);
  run({m, w.cols, w.rows, a, lda, 1, w, Layout::kNn, c, ldc, options.alpha, options.accumulate},
      options.compute);
}

void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  check_blocks(w);
  run({m, w.cols, w.rows, a, 1, lda, w, Layout::kNn, c, ldc, options.alpha, options.accumulate},
      options.compute);
}

}  // namespace hone
