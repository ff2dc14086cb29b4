#include "ops/gemm_outer.h"

#include <algorithm>

#include "base/round.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/scratch.h"

namespace hone {
namespace {

constexpr size_t kMaxRows = 64;  // beyond, panels of W are read often enough to be worth making
constexpr size_t kColumns = 96;  // of a task

}  // namespace

bool takes_outer_products(size_t m, const MatrixView& w, ComputeMode mode) noexcept {
  return m <= kMaxRows && w.packed == nullptr && w.format->id == FormatId::kBF16 && multiplies_in_bf16(mode);
}

void gemm_outer(size_t m, const float* a, size_t lda, const MatrixView& w, float* c, size_t ldc,
                const GemmOptions& options) {
  const Kernels& ks = active_kernels();
  const size_t k = w.rows, pairs = ceil_div(k, 2);
  auto* packed = scratch<uint32_t>(pairs * m, ScratchSlot::kHalves);
  float* zeros = scratch<float>(m, ScratchSlot::kRowScales);
  std::fill(zeros, zeros + m, 0.0f);
  for (size_t p = 0; p < pairs; ++p) {
    const float* even = a + 2 * p * lda;
    ks.pair_bf16(m, even, 2 * p + 1 < k ? even + lda : zeros, packed + p * m);
  }
  const auto* halves = reinterpret_cast<const uint16_t*>(w.data);
  const size_t n_tasks = ceil_div(w.cols, kColumns);
  thread_pool().run(n_tasks, [&](size_t task, int) {
    const size_t n = task * kColumns;
    ks.outer_bf16(m, std::min(kColumns, w.cols - n), k, packed, m, halves + n, w.cols, c + n, ldc,
                  options.alpha, options.accumulate);
  });
}

}  // namespace hone
