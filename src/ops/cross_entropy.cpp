// Cross-entropy over the vocabulary projection in chunks of rows: logits live only for one chunk. d(hidden)
// of a chunk is computed while its logits are at hand, then handed to the tape.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

constexpr size_t kChunkRows = 256;

// Replaces a row of logits by its softmax and returns -log p(target).
double softmax_nll(const Kernels& ks, size_t n, float* logits, size_t target, bool keep_probabilities) {
  const float largest = ks.max(n, logits);
  const float score = logits[target];
  const double sum = ks.exp_sum(n, 1.0f, largest, logits, logits);
  if (keep_probabilities) {
    const float inverse = static_cast<float>(1.0 / sum);
    for (size_t i = 0; i < n; ++i) logits[i] *= inverse;
  }
  return std::log(sum) + static_cast<double>(largest) - static_cast<double>(score);
}

}  // namespace

CrossEntropyResult linear_cross_entropy(OpContext& ctx, const Tensor& hidden, const MatrixView& head,
                                        std::span<const int32_t> targets, float grad_scale) {
  HONE_CHECK(targets.size() == hidden.rows() && hidden.cols() == head.cols);
  const Kernels& ks = active_kernels();
  const size_t width = head.cols, vocab = head.rows;
  const bool train = ctx.tape != nullptr && ctx.tape->requires_grad(hidden);
  CrossEntropyResult result;
  result.nll.assign(targets.size(), 0.0f);
  std::vector<size_t> scored;
  for (size_t t = 0; t < targets.size(); ++t)
    if (targets[t] >= 0) scored.push_back(t);
  result.n_scored = scored.size();
  Tensor dhidden = train ? Tensor::zeros(hidden.shape()) : Tensor{};
  if (scored.empty()) return result;

  const size_t chunk_rows = std::min(kChunkRows, scored.size());
  Tensor x = Tensor::empty({chunk_rows, width});
  Tensor logits = Tensor::empty({chunk_rows, vocab});
  std::vector<double> nll(chunk_rows);
  for (size_t begin = 0; begin < scored.size(); begin += chunk_rows) {
    const size_t n = std::min(chunk_rows, scored.size() - begin);
    for (size_t i = 0; i < n; ++i)
      std::memcpy(x.row(i), hidden.row(scored[begin + i]), width * sizeof(float));
    gemm_nt(n, x.data(), width, head, logits.data(), vocab, {.compute = head_compute(ctx.compute, n)});
    thread_pool().run(n, [&](size_t i, int) {
      const auto target = static_cast<size_t>(targets[scored[begin + i]]);
      HONE_CHECK(target < vocab, "target {} of {}", target, vocab);
      float* row = logits.row(i);
      nll[i] = softmax_nll(ks, vocab, row, target, train);
      if (train) row[target] -= 1.0f;
    });
    for (size_t i = 0; i < n; ++i) {
      result.sum_nll += nll[i];
      result.nll[scored[begin + i]] = static_cast<float>(nll[i]);
    }
    if (!train) continue;
    gemm_nn(n, logits.data(), vocab, head, x.data(), width, {.compute = ctx.compute, .alpha = grad_scale});
    for (size_t i = 0; i < n; ++i)
      std::memcpy(dhidden.row(scored[begin + i]), x.row(i), width * sizeof(float));
  }
  if (train) ctx.tape->add_grad(hidden, dhidden);
  return result;
}

}  // namespace hone
