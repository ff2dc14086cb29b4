// Cross-entropy over the vocabulary projection in chunks of rows: logits live only for one chunk. d(hidden)
// of a chunk is computed while its logits are at hand, then handed to the tape.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {
namespace {

constexpr size_t kChunkRows = 256;
constexpr float kHalvesScale = kF16Largest / 2;  // of gradients, at most 1, in f16

// -log p(target); the row of logits becomes exp(logit - largest), whose sum is given back.
double softmax_nll(const Kernels& ks, size_t n, float* logits, size_t target, double& sum) {
  const float largest = ks.max(n, logits);
  const float score = logits[target];
  sum = ks.exp_sum(n, 1.0f, largest, logits, logits);
  return std::log(sum) + static_cast<double>(largest) - static_cast<double>(score);
}

// Turns exponentials into the gradient of the logits, p - 1 at the target and p elsewhere: in place, or
// straight to the halves that the next product reads.
void write_gradient(const Kernels& ks, size_t n, float* row, size_t target, double sum, uint16_t* halves) {
  const float inverse = static_cast<float>(1.0 / sum);
  row[target] -= static_cast<float>(sum);
  constexpr size_t kPiece = 1024;
  float piece[kPiece];
  for (size_t begin = 0; begin < n; begin += kPiece) {
    const size_t count = std::min(kPiece, n - begin);
    float* out = halves != nullptr ? piece : row + begin;
    for (size_t i = 0; i < count; ++i) out[i] = row[begin + i] * inverse;
    if (halves != nullptr) to_halves(ks, count, kHalvesScale, piece, halves + begin);
  }
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
  const bool in_halves = train && multiplies_in_halves(ctx.compute) && vocab % 2 == 0;
  Tensor halves = in_halves ? Tensor::empty({chunk_rows, vocab / 2}) : Tensor{};
  const std::vector<float> factors(in_halves && ks.f16 != nullptr ? chunk_rows : 0, 1.0f / kHalvesScale);
  std::vector<double> nll(chunk_rows);
  for (size_t begin = 0; begin < scored.size(); begin += chunk_rows) {
    const size_t n = std::min(chunk_rows, scored.size() - begin);
    for (size_t i = 0; i < n; ++i)
      std::memcpy(x.row(i), hidden.row(scored[begin + i]), width * sizeof(float));
    const HeadProduct product = head_product(ctx.compute, n);
    gemm_nt(n, x.data(), width, head, logits.data(), vocab, {.compute = product.compute}, product.exact);
    thread_pool().run(n, [&](size_t i, int) {
      const auto target = static_cast<size_t>(targets[scored[begin + i]]);
      HONE_CHECK(target < vocab, "target {} of {}", target, vocab);
      double sum = 0;
      nll[i] = softmax_nll(ks, vocab, logits.row(i), target, sum);
      if (train)
        write_gradient(ks, vocab, logits.row(i), target, sum,
                       in_halves ? reinterpret_cast<uint16_t*>(halves.row(i)) : nullptr);
    });
    for (size_t i = 0; i < n; ++i) {
      result.sum_nll += nll[i];
      result.nll[scored[begin + i]] = static_cast<float>(nll[i]);
    }
    if (!train) continue;
    const GemmTerm term{{n, vocab, logits.data(), vocab, 1,
                         in_halves ? reinterpret_cast<const uint32_t*>(halves.data()) : nullptr,
                         factors.empty() ? nullptr : factors.data()},
                        head};
    const GemmTarget target{std::span(&term, 1), x.data(), width};
    gemm_nn(std::span(&target, 1), {.compute = ctx.compute, .alpha = grad_scale});
    for (size_t i = 0; i < n; ++i)
      std::memcpy(dhidden.row(scored[begin + i]), x.row(i), width * sizeof(float));
  }
  if (train) ctx.tape->add_grad(hidden, dhidden);
  return result;
}

}  // namespace hone
