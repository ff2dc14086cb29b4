// Which road a product takes: int8 over interleaved quantized weights (inference), stored float rows as they
// stand (a few tokens), or unpacked panels in bf16 or f32.
#include "ops/gemm.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm_int8.h"
#include "ops/gemm_panels.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kFewRows = 8;  // up to here float rows of W are multiplied as they are stored

// Rows [begin, end) of one stored W times a few rows of A, in f32.
void multiply_stored(size_t m, const float* a, size_t lda, const GemmTarget& t, size_t begin, size_t end,
                     const GemmOptions& options) {
  const Kernels& ks = active_kernels();
  const DotFloat dot_float = ks.dot_float(t.w.format->id);
  const size_t k = t.w.cols;
  for (size_t n = begin; n < end; ++n) {
    const float* decoded = nullptr;
    if (dot_float == nullptr) {
      float* row = scratch<float>(k, ScratchSlot::kDecoded);
      decode_elements(t.w, n, 0, k, row);
      decoded = row;
    }
    for (size_t i = 0; i < m; ++i) {
      const float y = decoded != nullptr ? ks.dot(k, decoded, a + i * lda)
                                         : dot_float(k, t.w.data + n * t.w.row_bytes(), a + i * lda);
      float& out = t.c[i * t.ldc + n];
      out = options.accumulate ? out + options.alpha * y : options.alpha * y;
    }
  }
}

// A few rows of A: every thread takes stretches of the rows of all W, as they are stored.
void multiply_rows(size_t m, const float* a, size_t lda, std::span<const GemmTarget> targets,
                   const GemmOptions& options) {
  size_t n = 0;
  for (const GemmTarget& t : targets) n += t.w.rows;
  const size_t parts = std::min(n, 4 * static_cast<size_t>(thread_pool().size()));
  thread_pool().run(parts, [&](size_t part, int) {
    const size_t begin = part * n / parts, end = (part + 1) * n / parts;
    size_t first = 0;
    for (const GemmTarget& t : targets) {
      const size_t from = std::max(begin, first), to = std::min(end, first + t.w.rows);
      if (from < to) multiply_stored(m, a, lda, t, from - first, to - first, options);
      first += t.w.rows;
    }
  });
}

void check_blocks(const MatrixView& w) {
  HONE_CHECK(w.cols % w.format->block_elems == 0, "{} columns in {}", w.cols, w.format->name);
}

void clear(size_t m, size_t n, const GemmTarget& t) {
  for (size_t i = 0; i < m; ++i) std::memset(t.c + i * t.ldc, 0, n * sizeof(float));
}

void multiply_panels(size_t m, const float* a, size_t a_row, size_t a_col, size_t k, WeightLayout layout,
                     std::span<const GemmTarget> targets, const GemmOptions& options) {
  if (k == 0) {
    if (!options.accumulate)
      for (const GemmTarget& t : targets) clear(m, layout == WeightLayout::kNt ? t.w.rows : t.w.cols, t);
    return;
  }
  gemm_panels({m, k, a, a_row, a_col, layout, options.alpha, options.accumulate}, targets,
              options.compute != ComputeMode::kPrecise);
}

enum class Road { kInt8, kRows, kPanels };

Road road_of(size_t m, const MatrixView& w, ComputeMode compute) {
  if (compute == ComputeMode::kFast && w.packed != nullptr && w.cols % 32 == 0) return Road::kInt8;
  return m <= kFewRows && w.packed == nullptr ? Road::kRows : Road::kPanels;
}

}  // namespace

void gemm_nt(size_t m, const float* a, size_t lda, std::span<const GemmTarget> targets, GemmOptions options) {
  if (m == 0 || targets.empty()) return;
  const size_t k = targets[0].w.cols;
  for (const GemmTarget& t : targets) {
    check_blocks(t.w);
    HONE_CHECK(t.w.cols == k);
  }
  // Runs of neighbours that take the same road go together.
  for (size_t begin = 0, end = 0; begin < targets.size(); begin = end) {
    const Road road = k == 0 ? Road::kPanels : road_of(m, targets[begin].w, options.compute);
    while (end < targets.size() && (k == 0 || road_of(m, targets[end].w, options.compute) == road)) ++end;
    const std::span<const GemmTarget> run = targets.subspan(begin, end - begin);
    if (road == Road::kInt8)
      gemm_int8(m, a, lda, k, run, options);
    else if (road == Road::kRows)
      multiply_rows(m, a, lda, run, options);
    else
      multiply_panels(m, a, lda, 1, k, WeightLayout::kNt, run, options);
  }
}

void gemm_nt(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  const GemmTarget target{w, c, ldc};
  gemm_nt(m, a, lda, std::span(&target, 1), options);
}

void gemm_nn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  if (m == 0 || w.cols == 0) return;
  check_blocks(w);
  const GemmTarget target{w, c, ldc};
  multiply_panels(m, a, lda, 1, w.rows, WeightLayout::kNn, std::span(&target, 1), options);
}

void gemm_tn(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
             GemmOptions options) {
  if (m == 0 || w.cols == 0) return;
  check_blocks(w);
  const GemmTarget target{w, c, ldc};
  multiply_panels(m, a, 1, lda, w.rows, WeightLayout::kNn, std::span(&target, 1), options);
}

}  // namespace hone
