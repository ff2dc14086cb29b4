// Softmax over the products of a few hundred rows with the vocabulary without their logits ever being stored:
// blocks of them become exponentials while they are in a cache, beside the block's largest logit and sum
// (Milakov and Gimelshein 2018). For gradients the exponentials are kept in halves.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "kernels/f16.h"
#include "ops/gemm.h"
#include "ops/sampled_gradients.h"
#include "ops/tensor.h"

namespace hone {

// Gradients of logits: in place, as halves, or drawn.
enum class GradientKind { kInPlace, kHalves, kSampled };

constexpr size_t kStreamedRows = 512;  // of a chunk, at most
// Of gradients of logits, at most 1, in f16.
constexpr float kHalvesScale = kF16Largest / 2;

class StreamedSoftmax {
 public:
  // Elements of 32 bits that are held for chunks of so many rows; SampledGradients' not counted.
  static size_t size(size_t rows, size_t vocab, bool gradients) noexcept;

  // gradients: with kHalves term() will be asked for, and vocab is even. Not kInPlace.
  StreamedSoftmax(size_t rows, size_t vocab, std::optional<GradientKind> gradients);

  // nll[i] = -log p(targets[i]) of row i of the product, which is rows of x times the vocabulary, by_panels.
  // sampled: draws from the probabilities; null unless gradients are kSampled.
  void run(const GemmTerm& logits, ComputeMode mode, std::span<const size_t> targets, std::span<double> nll,
           SampledGradients* sampled);
  // The gradients of the logits that run() has seen, p - 1 at the target and p elsewhere, times the
  // vocabulary.
  GemmTerm term(const MatrixView& head) const;

 private:
  // Of a row's logits in one block of columns.
  struct Partial {
    float largest, sum;
  };
  Partial& partial(size_t column, size_t row) const noexcept;
  void take(const SumBlock& block, std::span<const size_t> targets);
  double finish(size_t row, size_t target, SampledGradients* sampled) const;
  void write_gradient(size_t row, size_t target, double largest, double sum, SampledGradients* sampled) const;

  size_t rows_, n_ = 0, vocab_;
  Tensor partials_, scores_;                     // scores: the target's logits
  std::unique_ptr<std::atomic<bool>[]> begins_;  // whether a block begins at so many times kStep columns
  Tensor halves_, factors_;
};

}  // namespace hone
