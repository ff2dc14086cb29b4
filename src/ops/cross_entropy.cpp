// Cross-entropy over the vocabulary projection in chunks of rows: logits live only for one chunk, or, where
// products can be streamed, not at all. d(hidden) of a chunk is computed while its logits are at hand or,
// where gradients are drawn, for several chunks together; then it is handed to the tape.
#include "ops/cross_entropy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/gemm_operands.h"
#include "ops/halves.h"
#include "ops/ops.h"
#include "ops/parallel.h"
#include "ops/sampled_gradients.h"
#include "ops/streamed_softmax.h"

namespace hone {
namespace {

constexpr size_t kChunkRows = 256;
constexpr size_t kPiece = SampledGradients::kPiece;  // logits that are turned into gradients at a time

// -log p(target); the row of logits becomes exp(logit - largest), whose sum is given back.
double softmax_nll(const Kernels& ks, size_t n, float* logits, size_t target, double& sum) {
  const float largest = ks.max(n, logits);
  const float score = logits[target];
  sum = ks.exp_sum(n, 1.0f, largest, logits, logits);
  return std::log(sum) + static_cast<double>(largest) - static_cast<double>(score);
}

GradientKind gradient_kind(ComputeMode mode, size_t width, size_t vocab) noexcept {
  if (samples_gradients(mode, width)) return GradientKind::kSampled;
  return multiplies_in_halves(mode) && vocab % 2 == 0 ? GradientKind::kHalves : GradientKind::kInPlace;
}

// The gradients of a chunk's logits as the product with the vocabulary reads them: in place or as halves.
class LogitGradients {
 public:
  LogitGradients(GradientKind kind, size_t rows, size_t vocab)
      : vocab_(vocab), halves_(kind == GradientKind::kHalves) {
    if (halves_) room_ = Tensor::empty({rows, vocab / 2});
    if (halves_ && ks_.f16 != nullptr) factors_.assign(rows, 1.0f / kHalvesScale);
  }

  // For a chunk of n rows.
  GemmTerm term(size_t n, const Tensor& logits, const MatrixView& head) const {
    GemmRows rows{n, vocab_, logits.data(), vocab_, 1};
    if (halves_) {
      rows.halves = reinterpret_cast<uint32_t*>(room_.data());
      rows.factors = factors_.empty() ? nullptr : factors_.data();
    }
    return {rows, head};
  }

  // Of row i, from exponentials and their sum: p - 1 at the target and p elsewhere.
  void write(size_t i, float* row, size_t target, double sum) const {
    const float inverse = static_cast<float>(1.0 / sum);
    row[target] -= static_cast<float>(sum);
    float piece[kPiece];
    for (size_t begin = 0; begin < vocab_; begin += kPiece) {
      const size_t count = std::min(kPiece, vocab_ - begin);
      float* out = halves_ ? piece : row + begin;
      for (size_t j = 0; j < count; ++j) out[j] = row[begin + j] * inverse;
      if (halves_)
        to_halves(ks_, count, kHalvesScale, piece, reinterpret_cast<uint16_t*>(room_.row(i)) + begin);
    }
  }

 private:
  const Kernels& ks_ = active_kernels();
  size_t vocab_;
  bool halves_;
  Tensor room_;
  std::vector<float> factors_;
};

// A chunk's logits, which then become probabilities.
class StoredLogits {
 public:
  StoredLogits(size_t rows, size_t vocab, std::optional<GradientKind> gradients)
      : logits_(Tensor::empty({rows, vocab})) {
    if (gradients && *gradients != GradientKind::kSampled) gradients_.emplace(*gradients, rows, vocab);
  }
  // As StreamedSoftmax::run.
  void run(const GemmTerm& product, ComputeMode mode, std::span<const size_t> targets, std::span<double> nll,
           SampledGradients* sampled) {
    const Kernels& ks = active_kernels();
    const size_t n = product.a.m, vocab = logits_.cols();
    const GemmTarget to_logits{std::span(&product, 1), logits_.data(), vocab};
    gemm_nt(std::span(&to_logits, 1), {.compute = mode});
    thread_pool().run(n, [&](size_t i, int) {
      HONE_CHECK(targets[i] < vocab, "target {} of {}", targets[i], vocab);
      double sum = 0;
      nll[i] = softmax_nll(ks, vocab, logits_.row(i), targets[i], sum);
      if (gradients_) gradients_->write(i, logits_.row(i), targets[i], sum);
      if (sampled != nullptr) sample(i, logits_.row(i), targets[i], sum, *sampled);
    });
    n_ = n;
  }
  GemmTerm term(const MatrixView& head) const { return gradients_->term(n_, logits_, head); }

 private:
  void sample(size_t i, float* row, size_t target, double sum, SampledGradients& sampled) const {
    const double p = static_cast<double>(row[target]) / sum;
    row[target] = 0;
    sampled.start(i, std::bit_cast<uint64_t>(sum), p);
    for (size_t begin = 0; begin < logits_.cols(); begin += kPiece)
      sampled.add(i, begin, std::min(kPiece, logits_.cols() - begin), static_cast<float>(1.0 / sum),
                  row + begin);
    sampled.finish(i, target);
  }

  Tensor logits_;
  std::optional<LogitGradients> gradients_;
  size_t n_ = 0;
};

struct Chunks {
  ComputeMode compute;
  const Tensor& hidden;
  const MatrixView& head;
  std::span<const size_t> scored;  // rows of hidden
  std::span<const int32_t> targets;
  float grad_scale;
  std::optional<GradientKind> gradients;  // in training

  // dhidden: undefined without gradients.
  template <typename Softmax>
  void run(Softmax softmax, size_t chunk_rows, CrossEntropyResult& result, Tensor& dhidden) const {
    const size_t width = head.cols;
    Tensor x = Tensor::empty({chunk_rows, width});
    std::vector<double> nll(chunk_rows);
    std::vector<size_t> wanted(chunk_rows);
    std::optional<SampledGradients> sampled;
    if (gradients == GradientKind::kSampled) sampled.emplace(head, grad_scale, scored.size());
    for (size_t begin = 0, n = 0; begin < scored.size(); begin += n) {
      const size_t left = scored.size() - begin;
      // No chunk of a few rows at the end: those are multiplied in another way.
      n = left > chunk_rows && left < chunk_rows + kMinInt8Rows ? left / 2 : std::min(chunk_rows, left);
      for (size_t i = 0; i < n; ++i) {
        wanted[i] = static_cast<size_t>(targets[scored[begin + i]]);
        std::memcpy(x.row(i), hidden.row(scored[begin + i]), width * sizeof(float));
      }
      if (sampled) sampled->begin(rows_of(dhidden, begin, n));
      const HeadProduct product = head_product(compute, n);
      softmax.run({{n, width, x.data(), width, 1}, head, product.exact, true}, product.compute,
                  std::span(wanted).first(n), std::span(nll).first(n), sampled ? &*sampled : nullptr);
      for (size_t i = 0; i < n; ++i) {
        result.sum_nll += nll[i];
        result.nll[scored[begin + i]] = static_cast<float>(nll[i]);
      }
      if (!gradients || sampled) continue;
      const GemmTerm term = softmax.term(head);
      const GemmTarget target{std::span(&term, 1), x.data(), width};
      gemm_nn(std::span(&target, 1), {.compute = compute, .alpha = grad_scale});
      for (size_t i = 0; i < n; ++i)
        std::memcpy(dhidden.row(scored[begin + i]), x.row(i), width * sizeof(float));
    }
    if (sampled) sampled->flush();
  }

  std::vector<float*> rows_of(Tensor& dhidden, size_t begin, size_t n) const {
    std::vector<float*> rows;
    for (size_t i = begin; i < begin + n; ++i) rows.push_back(dhidden.row(scored[i]));
    return rows;
  }
};

}  // namespace

// Training samples wherever the vector units multiply: over AMX all the products take less time than drawing.
bool samples_gradients(ComputeMode mode, size_t width) noexcept {
  return mode == ComputeMode::kInt8 && !active_kernels().bf16_outruns_int8 && SampledGradients::serves(width);
}

uint64_t cross_entropy_bytes(size_t tokens, size_t width, size_t vocab, ComputeMode mode) noexcept {
  const GradientKind kind = gradient_kind(mode, width, vocab);
  const size_t at_once = std::min(kStreamedRows, tokens);
  // Products in halves are by panels, others of some formats.
  const bool streamed =
      kind != GradientKind::kInPlace && head_product(mode, at_once).compute == ComputeMode::kHalf;
  const size_t chunk = std::min(kChunkRows, tokens);
  const size_t stored = chunk * (width + vocab) + (kind == GradientKind::kHalves ? chunk * (vocab / 2) : 0);
  const size_t in_stream = at_once * width + StreamedSoftmax::size(at_once, vocab, true);
  size_t elements = streamed ? in_stream : stored;
  if (kind == GradientKind::kSampled && !int8_is_fastest()) elements = std::max(stored, in_stream);
  if (kind == GradientKind::kSampled) elements += SampledGradients::size(tokens, vocab, width);
  return elements * sizeof(float);
}

CrossEntropyResult linear_cross_entropy(OpContext& ctx, const Tensor& hidden, const MatrixView& head,
                                        std::span<const int32_t> targets, float grad_scale) {
  HONE_CHECK(targets.size() == hidden.rows() && hidden.cols() == head.cols);
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

  const std::optional<GradientKind> gradients =
      train ? std::optional(gradient_kind(ctx.compute, width, vocab)) : std::nullopt;
  // What the first chunk does, the others do too.
  const size_t at_once = std::min(kStreamedRows, scored.size());
  const HeadProduct product = head_product(ctx.compute, at_once);
  const bool streamed = by_panels({{at_once, width}, head, product.exact, true}, product.compute) &&
                        gradients != GradientKind::kInPlace;
  const size_t chunk_rows = streamed ? at_once : std::min(kChunkRows, scored.size());
  const Chunks chunks{ctx.compute, hidden, head, scored, targets, grad_scale, gradients};
  if (streamed)
    chunks.run(StreamedSoftmax(chunk_rows, vocab, gradients), chunk_rows, result, dhidden);
  else
    chunks.run(StoredLogits(chunk_rows, vocab, gradients), chunk_rows, result, dhidden);
  if (train) ctx.tape->add_grad(hidden, dhidden);
  return result;
}

}  // namespace hone
