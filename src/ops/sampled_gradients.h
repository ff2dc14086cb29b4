// Gradients of logits through the vocabulary projection by sampling: of probabilities p, as shares of all
// that is not the target's, those of kLeast = 1/2048 or more count as they are, and of the many smaller ones
// some are drawn to stand for all of them, each with a chance of p / kLeast. What comes out is right on
// average, with a deviation of at most the square root of kLeast (2 %) of the gradient at the target, and
// takes the products of hundreds of words instead of the whole vocabulary. A row's draws depend on its
// numbers alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/matrix.h"

namespace hone {

class SampledGradients {
 public:
  static constexpr size_t kPiece = 1024;
  // Whether products with a vocabulary of this width (C) can be taken so.
  static bool serves(size_t width) noexcept { return width % 32 == 0; }
  // Elements of 32 bits that are held for so many rows.
  static size_t size(size_t rows, size_t vocab, size_t width) noexcept;

  // Rows of all chunks together; what they come to is alpha * gradients * head, head being (V, C).
  SampledGradients(const MatrixView& head, float alpha, size_t rows);

  // Before a chunk's rows: where the products of each go, once flush() was called.
  void begin(std::vector<float*> products);
  // Row `row` of the chunk, by one thread: start with the target's probability, all of them in order of the
  // vocabulary, but zero for the target, and finish.
  void start(size_t row, uint64_t key, double p_target);
  // n <= kPiece probabilities scale * x of the words from `first` on.
  void add(size_t row, size_t first, size_t n, float scale, const float* x);
  void finish(size_t row, size_t target);
  void flush();

 private:
  struct Row {
    uint64_t key = 0;
    double others = 0;  // 1 - p(target)
    float least = 0;
    float* product = nullptr;   // (C)
    std::vector<uint32_t> ids;  // rising
    std::vector<float> values;
    size_t done = 0;  // of them that are in the product
  };
  Row& at(size_t row) { return rows_[chunk_ + row]; }
  void add_words(Row& row, size_t first, size_t end, const uint32_t* words) const;

  MatrixView head_;
  float alpha_;
  std::vector<Row> rows_;
  size_t chunk_ = 0, n_ = 0;  // the chunk's first row, and how many there are
};

}  // namespace hone
