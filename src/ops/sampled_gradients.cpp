#include "ops/sampled_gradients.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/rng.h"
#include "base/round.h"
#include "base/threads.h"
#include "cpu/cache.h"
#include "kernels/kernels.h"
#include "ops/scratch.h"
#include "ops/tensor.h"
#include "ops/unpack.h"

namespace hone {
namespace {

// Words that are kept of a row, at most, on average: each counts for kLeast or more.
constexpr size_t kDrawn = 2048;
constexpr float kLeast = 1.0f / kDrawn;
constexpr size_t kMostRows = 1024;  // whose products are taken together
constexpr size_t kRowsTogether = 8;

// n numbers spread evenly over [0, 1), which depend on the key alone: a part of a table, shifted around the
// circle, so that no number is left out for good.
void spread(uint64_t key, size_t n, float* u) {
  constexpr size_t kNumbers = 16384;
  static const std::vector<float> numbers = [] {
    Rng rng(1);
    std::vector<float> all(kNumbers);
    for (float& x : all) x = static_cast<float>(rng.uniform());
    return all;
  }();
  Rng rng(key);
  const float* from = numbers.data() + rng.below(kNumbers - n + 1);
  const auto shift = static_cast<float>(rng.uniform());
  for (size_t i = 0; i < n; ++i) {
    const float x = from[i] + shift;
    u[i] = x - static_cast<float>(static_cast<int32_t>(x));  // no branch: half of all numbers wrap
  }
}

// Words that are unpacked together: their halves take half of a core's L2 cache.
size_t block_words(size_t vocab, size_t width) {
  const size_t most = l2_bytes() / 2 / (width * sizeof(uint16_t)) / kRowsAtOnce * kRowsAtOnce;
  return std::min(std::max(most, kRowsAtOnce), round_up(vocab, kRowsAtOnce));
}

// Words [first, first + n) as pairs of bf16: one from each half of the row.
void unpack_words(const MatrixView& head, size_t first, size_t n, uint32_t* out) {
  const Kernels& ks = active_kernels();
  const size_t width = head.cols, pairs = width / 2;
  thread_pool().run(ceil_div(n, kRowsAtOnce), [&](size_t part, int) {
    const size_t begin = part * kRowsAtOnce, count = std::min(kRowsAtOnce, n - begin);
    const PairRows pair = ks.pair_rows(head.format->id);
    if (pair != nullptr && head.packed == nullptr) {
      for (size_t i = begin; i < begin + count; ++i) {
        const std::byte* word = head.data + (first + i) * head.row_bytes();
        pair(word, word + head.row_bytes() / 2, out + i * pairs, pairs);
      }
      return;
    }
    float* words = scratch<float>(kRowsAtOnce * width, ScratchSlot::kConverted);
    unpack_rows(ks, head, first + begin, count, 0, width, words, width);
    for (size_t i = 0; i < count; ++i)
      ks.pair_bf16(pairs, words + i * width, words + i * width + pairs, out + (begin + i) * pairs);
  });
}

}  // namespace

size_t SampledGradients::size(size_t rows, size_t vocab, size_t width) noexcept {
  return std::min(rows, kMostRows) * 4 * kDrawn + block_words(vocab, width) * (width / 2);
}

SampledGradients::SampledGradients(const MatrixView& head, float alpha, size_t rows)
    : head_(head), alpha_(alpha), rows_(std::min(rows, kMostRows)) {
  HONE_CHECK(serves(head.cols));
}

void SampledGradients::begin(std::vector<float*> products) {
  if (n_ + products.size() > rows_.size()) flush();
  if (rows_.size() < products.size()) rows_.resize(products.size());
  chunk_ = n_;
  for (float* product : products) {
    Row& row = rows_[n_++];
    row.product = product;
    row.ids.clear();
    row.values.clear();
    row.done = 0;
  }
}

void SampledGradients::start(size_t row, uint64_t key, double p_target) {
  Row& to = at(row);
  to.key = key;
  to.others = 1.0 - p_target;
  // Not of less than is left of 1 in f32, or exponentials that stand for zero would all count.
  to.least = kLeast * std::max(static_cast<float>(to.others), 1e-6f);
}

void SampledGradients::add(size_t row, size_t first, size_t n, float scale, const float* x) {
  HONE_CHECK(n <= kPiece);
  Row& to = at(row);
  uint32_t ids[kPiece + 16];
  float values[kPiece + 16], u[kPiece];
  spread(to.key + first, n, u);
  const size_t kept =
      active_kernels().sample(n, scale, to.least, x, u, static_cast<uint32_t>(first), ids, values);
  to.ids.insert(to.ids.end(), ids, ids + kept);
  to.values.insert(to.values.end(), values, values + kept);
}

// What the drawn ones stand for is known, so their values are made to add up to it: what all words have in
// common then stays out of the gradient, as it should. Within limits: of a few the sum says little, and
// probabilities may come out of halves.
void SampledGradients::finish(size_t row, size_t target) {
  Row& to = at(row);
  double large = 0;
  size_t drawn = 0;
  for (const float value : to.values)
    if (value == to.least)
      ++drawn;
    else
      large += static_cast<double>(value);
  const double share = (to.others - large) / static_cast<double>(std::max<size_t>(1, drawn));
  const float value = std::clamp(static_cast<float>(share), 0.5f * to.least, 2.0f * to.least);
  for (float& v : to.values)
    if (v == to.least) v = value;
  const auto place = std::lower_bound(to.ids.begin(), to.ids.end(), static_cast<uint32_t>(target));
  to.values.insert(to.values.begin() + (place - to.ids.begin()), static_cast<float>(-to.others));
  to.ids.insert(place, static_cast<uint32_t>(target));
}

// Those of words [first, end), which lie unpacked in `words`.
void SampledGradients::add_words(Row& row, size_t first, size_t end, const uint32_t* words) const {
  const auto ids = std::span(row.ids).subspan(row.done);
  const auto count = static_cast<size_t>(std::lower_bound(ids.begin(), ids.end(), end) - ids.begin());
  active_kernels().add_paired_rows(head_.cols / 2, count, ids.data(), static_cast<uint32_t>(first),
                                   row.values.data() + row.done, words, row.product);
  row.done += count;
}

void SampledGradients::flush() {
  if (n_ == 0) return;
  const size_t width = head_.cols, block = block_words(head_.rows, width);
  const Tensor room = Tensor::empty({block, width / 2});
  auto* words = reinterpret_cast<uint32_t*>(room.data());
  for (size_t first = 0; first < head_.rows; first += block) {
    const size_t end = std::min(head_.rows, first + block);
    unpack_words(head_, first, end - first, words);
    thread_pool().run_near(ceil_div(n_, kRowsTogether), [&](size_t part, int) {
      for (size_t i = part * kRowsTogether; i < std::min(n_, (part + 1) * kRowsTogether); ++i) {
        if (first == 0) std::fill(rows_[i].product, rows_[i].product + width, 0.0f);
        add_words(rows_[i], first, end, words);
        if (end == head_.rows)
          for (size_t j = 0; j < width; ++j) rows_[i].product[j] *= alpha_;
      }
    });
  }
  n_ = 0;
}

}  // namespace hone
