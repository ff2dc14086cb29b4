// Cross-entropy over the vocabulary projection in chunks of rows: logits live only for one chunk, or, where
// products can be streamed, not at all. d(hidden) of a chunk is computed while its logits are at hand, then
// handed to the tape.
#include "ops/cross_entropy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "ops/gemm_operands.h"
#include "ops/halves.h"
#include "ops/ops.h"
#include "ops/parallel.h"
#include "ops/streamed_softmax.h"

namespace hone {
namespace {

constexpr size_t kChunkRows = 256;
constexpr size_t kPiece = 1024;  // logits that are turned into gradients at a time

// -log p(target); the row of logits becomes exp(logit - largest), whose sum is given back.
double softmax_nll(const Kernels& ks, size_t n, float* logits, size_t target, double& sum) {
  const float largest = ks.max(n, logits);
  const float score = logits[target];
  sum = ks.exp_sum(n, 1.0f, largest, logits, logits);
  return std::log(sum) + static_cast<double>(largest) - static_cast<double>(score);
}

// Numbers spread evenly over [-0.5, 0.5): n of them, which depend on the key alone.
const float* noise(uint64_t key, size_t n) {
  constexpr size_t kNumbers = 8192;
  static const std::vector<float> numbers = [] {
    Rng rng(1);
    std::vector<float> all(kNumbers);
    for (float& x : all) x = static_cast<float>(rng.uniform() - 0.5);
    return all;
  }();
  return numbers.data() + Rng(key).below(kNumbers - n + 1);
}

// Whether gradients of logits are halves or codes; neither: in place.
struct GradientKinds {
  bool halves, codes;
};
GradientKinds gradient_kinds(ComputeMode mode, size_t vocab) noexcept {
  return {multiplies_in_halves(mode) && vocab % 2 == 0,
          mode == ComputeMode::kInt8 && int8_is_fastest() && vocab % 32 == 0};
}

// The gradients of a chunk's logits as the product with the vocabulary reads them: in place, as halves, or as
// codes of 8 bits that are right on average (most probabilities are small beside others of their run, and
// would become zero).
class LogitGradients {
 public:
  LogitGradients(ComputeMode mode, size_t rows, size_t vocab)
      : vocab_(vocab),
        halves_(gradient_kinds(mode, vocab).halves),
        codes_(gradient_kinds(mode, vocab).codes) {
    if (halves_ || codes_) room_ = Tensor::empty({rows, vocab / 2});
    if (halves_ && ks_.f16 != nullptr) factors_.assign(rows, 1.0f / kHalvesScale);
    if (codes_) code_factors_ = Tensor::empty({Int8Codes::n_factors(rows, vocab)});
  }

  // For a chunk of n rows.
  GemmTerm term(size_t n, const Tensor& logits, const MatrixView& head) const {
    GemmRows rows{n, vocab_, logits.data(), vocab_, 1};
    if (in_codes(n)) {
      rows.halves = room();
      rows.factors = code_factors_.data();
      rows.int8 = true;
    } else if (halves_) {
      rows.halves = room();
      rows.factors = factors_.empty() ? nullptr : factors_.data();
    }
    return {rows, head, false, in_codes(n)};
  }

  // Of row i of n, from exponentials and their sum: p - 1 at the target and p elsewhere.
  void write(size_t i, size_t n, float* row, size_t target, double sum) const {
    const float inverse = static_cast<float>(1.0 / sum);
    row[target] -= static_cast<float>(sum);
    if (in_codes(n)) return write_codes(i, n, row, inverse, std::bit_cast<uint64_t>(sum));
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
  bool in_codes(size_t n) const { return codes_ && n >= kMinInt8Rows; }
  uint32_t* room() const { return reinterpret_cast<uint32_t*>(room_.data()); }

  void write_codes(size_t i, size_t n, const float* row, float inverse, uint64_t key) const {
    const Int8Codes codes(n, vocab_, room(), code_factors_.data());
    float piece[kPiece];
    for (size_t begin = 0; begin < vocab_; begin += kPiece) {
      const size_t count = std::min(kPiece, vocab_ - begin);
      ks_.int8()->dither(count, inverse, row + begin, noise(key + begin, count), piece);
      codes.encode(ks_, i, begin, count, piece);
    }
    codes.fill_terms(ks_, i, 1);
  }

  const Kernels& ks_ = active_kernels();
  size_t vocab_;
  bool halves_, codes_;
  Tensor room_, code_factors_;  // room for whichever is larger, halves or codes
  std::vector<float> factors_;
};

// Whether the gradients of streamed logits are what the product with the vocabulary reads.
bool streams_gradients(ComputeMode mode, size_t vocab) noexcept {
  return gradient_kinds(mode, vocab).halves && !(mode == ComputeMode::kInt8 && int8_is_fastest());
}

// A chunk's logits, which then become probabilities.
class StoredLogits {
 public:
  StoredLogits(ComputeMode mode, size_t rows, size_t vocab, bool gradients)
      : logits_(Tensor::empty({rows, vocab})) {
    if (gradients) gradients_.emplace(mode, rows, vocab);
  }
  void run(const GemmTerm& product, ComputeMode mode, std::span<const size_t> targets,
           std::span<double> nll) {
    const Kernels& ks = active_kernels();
    const size_t n = product.a.m, vocab = logits_.cols();
    const GemmTarget to_logits{std::span(&product, 1), logits_.data(), vocab};
    gemm_nt(std::span(&to_logits, 1), {.compute = mode});
    thread_pool().run(n, [&](size_t i, int) {
      HONE_CHECK(targets[i] < vocab, "target {} of {}", targets[i], vocab);
      double sum = 0;
      nll[i] = softmax_nll(ks, vocab, logits_.row(i), targets[i], sum);
      if (gradients_) gradients_->write(i, n, logits_.row(i), targets[i], sum);
    });
    n_ = n;
  }
  GemmTerm term(const MatrixView& head) const { return gradients_->term(n_, logits_, head); }

 private:
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

  // dhidden: undefined without a tape.
  template <typename Softmax>
  void run(Softmax& softmax, size_t chunk_rows, CrossEntropyResult& result, Tensor& dhidden) const {
    const size_t width = head.cols;
    Tensor x = Tensor::empty({chunk_rows, width});
    std::vector<double> nll(chunk_rows);
    std::vector<size_t> wanted(chunk_rows);
    for (size_t begin = 0, n = 0; begin < scored.size(); begin += n) {
      const size_t left = scored.size() - begin;
      // No chunk of a few rows at the end: those are multiplied in another way.
      n = left > chunk_rows && left < chunk_rows + kMinInt8Rows ? left / 2 : std::min(chunk_rows, left);
      for (size_t i = 0; i < n; ++i) {
        wanted[i] = static_cast<size_t>(targets[scored[begin + i]]);
        std::memcpy(x.row(i), hidden.row(scored[begin + i]), width * sizeof(float));
      }
      const HeadProduct product = head_product(compute, n);
      softmax.run({{n, width, x.data(), width, 1}, head, product.exact, true}, product.compute,
                  std::span(wanted).first(n), std::span(nll).first(n));
      for (size_t i = 0; i < n; ++i) {
        result.sum_nll += nll[i];
        result.nll[scored[begin + i]] = static_cast<float>(nll[i]);
      }
      if (!dhidden.defined()) continue;
      const GemmTerm term = softmax.term(head);
      const GemmTarget target{std::span(&term, 1), x.data(), width};
      gemm_nn(std::span(&target, 1), {.compute = compute, .alpha = grad_scale});
      for (size_t i = 0; i < n; ++i)
        std::memcpy(dhidden.row(scored[begin + i]), x.row(i), width * sizeof(float));
    }
  }
};

}  // namespace

uint64_t cross_entropy_bytes(size_t tokens, size_t width, size_t vocab, ComputeMode mode) noexcept {
  const auto [halves, codes] = gradient_kinds(mode, vocab);
  if (streams_gradients(mode, vocab)) {
    const size_t at_once = std::min(kStreamedRows, tokens);
    return (at_once * width + StreamedSoftmax::size(at_once, vocab, true)) * sizeof(float);
  }
  const size_t rows = std::min(kChunkRows, tokens);
  size_t elements = rows * (width + vocab);
  if (halves || codes) elements += rows * (vocab / 2);
  if (codes) elements += Int8Codes::n_factors(rows, vocab);
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

  // What the first chunk does, the others do too.
  const HeadProduct product = head_product(ctx.compute, std::min(kStreamedRows, scored.size()));
  const GemmTerm first{{std::min(kStreamedRows, scored.size()), width}, head, product.exact, true};
  const bool streamed =
      by_panels(first, product.compute) && (!train || streams_gradients(ctx.compute, vocab));
  const size_t chunk_rows = std::min(streamed ? kStreamedRows : kChunkRows, scored.size());
  const Chunks chunks{ctx.compute, hidden, head, scored, targets, grad_scale};
  if (streamed) {
    StreamedSoftmax softmax(chunk_rows, vocab, train);
    chunks.run(softmax, chunk_rows, result, dhidden);
  } else {
    StoredLogits logits(ctx.compute, chunk_rows, vocab, train);
    chunks.run(logits, chunk_rows, result, dhidden);
  }
  if (train) ctx.tape->add_grad(hidden, dhidden);
  return result;
}

}  // namespace hone
