#include "ops/streamed_softmax.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/round.h"
#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/parallel.h"

namespace hone {
namespace {

constexpr size_t kStep = 32;  // blocks begin at multiples of it
constexpr size_t kPiece = SampledGradients::kPiece;

uint16_t* halves_of(const Tensor& halves, size_t row) {
  return reinterpret_cast<uint16_t*>(halves.row(row));
}

}  // namespace

size_t StreamedSoftmax::size(size_t rows, size_t vocab, bool gradients) noexcept {
  return rows * (2 * ceil_div(vocab, kStep) + (gradients ? ceil_div(vocab, 2) + 1 : 0) + 1);
}

StreamedSoftmax::StreamedSoftmax(size_t rows, size_t vocab, std::optional<GradientKind> gradients)
    : rows_(rows),
      vocab_(vocab),
      partials_(Tensor::empty({ceil_div(vocab, kStep), 2 * rows})),
      scores_(Tensor::empty({rows})),
      begins_(std::make_unique<std::atomic<bool>[]>(ceil_div(vocab, kStep))) {
  if (!gradients.has_value()) return;
  HONE_CHECK(vocab % 2 == 0 || gradients == GradientKind::kSampled);
  halves_ = Tensor::empty({rows, ceil_div(vocab, 2)});
  if (gradients == GradientKind::kSampled || active_kernels().f16 == nullptr) return;
  factors_ = Tensor::empty({rows});
  std::fill(factors_.data(), factors_.data() + rows, 1.0f / kHalvesScale);
}

StreamedSoftmax::Partial& StreamedSoftmax::partial(size_t column, size_t row) const noexcept {
  return reinterpret_cast<Partial*>(partials_.row(column / kStep))[row];
}

void StreamedSoftmax::take(const SumBlock& b, std::span<const size_t> targets) {
  const Kernels& ks = active_kernels();
  HONE_CHECK(b.n % kStep == 0);
  begins_[b.n / kStep].store(true, std::memory_order_relaxed);
  for (size_t r = 0; r < b.rows; ++r) {
    float* row = b.sums[0] + r * b.stride;
    const size_t i = b.m + r, target = targets[i];
    if (target >= b.n && target < b.n + b.cols) scores_.data()[i] = row[target - b.n];
    const float largest = ks.max(b.cols, row);
    partial(b.n, i) = {largest, static_cast<float>(ks.exp_sum(b.cols, 1.0f, largest, row, row))};
    if (halves_.defined()) to_halves(ks, b.cols, 1.0f, row, halves_of(halves_, i) + b.n);
  }
}

double StreamedSoftmax::finish(size_t row, size_t target, SampledGradients* sampled) const {
  HONE_CHECK(target < vocab_, "target {} of {}", target, vocab_);
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (size_t n = 0; n < vocab_; n += kStep) {
    if (!begins_[n / kStep].load(std::memory_order_relaxed)) continue;
    const Partial& part = partial(n, row);
    const double here = static_cast<double>(part.largest), all = std::max(largest, here);
    sum = sum * std::exp(largest - all) + static_cast<double>(part.sum) * std::exp(here - all);
    largest = all;
  }
  if (halves_.defined()) write_gradient(row, target, largest, sum, sampled);
  return std::log(sum) + largest - static_cast<double>(scores_.data()[row]);
}

void StreamedSoftmax::write_gradient(size_t row, size_t target, double largest, double sum,
                                     SampledGradients* sampled) const {
  const Kernels& ks = active_kernels();
  const DecodeRow widen = ks.decode_row(ks.f16 != nullptr ? FormatId::kF16 : FormatId::kBF16);
  uint16_t* halves = halves_of(halves_, row);
  const double p = std::exp(static_cast<double>(scores_.data()[row]) - largest) / sum;
  if (sampled != nullptr) sampled->start(row, std::bit_cast<uint64_t>(sum), p);
  float piece[kPiece], factor = 0;
  size_t next = 0;
  for (size_t n = 0; n < vocab_; n = next) {
    for (next = n + kStep; next < vocab_ && next - n < kPiece; next += kStep)
      if (begins_[next / kStep].load(std::memory_order_relaxed)) break;
    next = std::min(next, vocab_);
    if (begins_[n / kStep].load(std::memory_order_relaxed))
      factor = static_cast<float>(std::exp(static_cast<double>(partial(n, row).largest) - largest) / sum);
    widen(reinterpret_cast<const std::byte*>(halves + n), piece, next - n);
    if (sampled != nullptr) {
      if (target >= n && target < next) piece[target - n] = 0;
      sampled->add(row, n, next - n, factor, piece);
      continue;
    }
    for (size_t j = 0; j < next - n; ++j) piece[j] *= factor;
    to_halves(ks, next - n, kHalvesScale, piece, halves + n);
  }
  if (sampled != nullptr) return sampled->finish(row, target);
  const auto at_target = static_cast<float>(p - 1.0);
  to_halves(ks, 1, kHalvesScale, &at_target, halves + target);
}

void StreamedSoftmax::run(const GemmTerm& logits, ComputeMode mode, std::span<const size_t> targets,
                          std::span<double> nll, SampledGradients* sampled) {
  n_ = logits.a.m;
  HONE_CHECK(n_ <= rows_ && targets.size() == n_ && nll.size() == n_ && logits.w.rows == vocab_);
  for (size_t i = 0; i < ceil_div(vocab_, kStep); ++i) begins_[i].store(false, std::memory_order_relaxed);
  const GemmTarget target{std::span(&logits, 1)};
  gemm_nt_taken(std::span(&target, 1), [&](const SumBlock& block) { take(block, targets); },
                {.compute = mode});
  thread_pool().run(n_, [&](size_t i, int) { nll[i] = finish(i, targets[i], sampled); });
}

GemmTerm StreamedSoftmax::term(const MatrixView& head) const {
  GemmRows rows{n_, vocab_, nullptr, vocab_, 1};
  rows.halves = reinterpret_cast<const uint32_t*>(halves_.data());
  rows.factors = factors_.defined() ? factors_.data() : nullptr;
  return {rows, head};
}

}  // namespace hone
