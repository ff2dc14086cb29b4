#include "ops/sampled_gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/testing.h"

namespace hone {
namespace {

// Probabilities of the words, falling by powers, but `of_target` for the target's.
std::vector<float> probabilities(size_t vocab, size_t target, double of_target) {
  std::vector<float> p(vocab);
  double others = 0;
  for (size_t i = 0; i < vocab; ++i) others += i == target ? 0 : 1.0 / static_cast<double>(i + 1);
  for (size_t i = 0; i < vocab; ++i)
    p[i] = i == target ? 0.0f : static_cast<float>((1 - of_target) / (others * static_cast<double>(i + 1)));
  return p;
}

// The mean over many draws is the gradient, however sure of its target a row is, within four deviations.
TEST(SampledGradients, AreRightOnAverage) {
  constexpr size_t kRows = 3000, kVocab = 5003, kWidth = 32, kTarget = 3000;
  Rng rng(41);
  const testing::Stored head = testing::store(rng, FormatId::kBF16, kVocab, kWidth, 1.0, 2.0f);
  for (const double of_target : {0.0, 0.3, 0.99, 1 - 1e-4}) {
    const std::vector<float> p = probabilities(kVocab, kTarget, of_target);
    std::vector<float> products(kRows * kWidth);
    SampledGradients sampled(head.packed, 2.0f, kRows);
    constexpr size_t kChunk = 250;
    for (size_t chunk = 0; chunk < kRows; chunk += kChunk) {
      std::vector<float*> places;
      for (size_t i = 0; i < kChunk; ++i) places.push_back(products.data() + (chunk + i) * kWidth);
      sampled.begin(places);
      for (size_t i = 0; i < kChunk; ++i) {
        sampled.start(i, 7919 * (chunk + i), of_target);
        for (size_t first = 0; first < kVocab; first += SampledGradients::kPiece)
          sampled.add(i, first, std::min(SampledGradients::kPiece, kVocab - first), 1.0f, p.data() + first);
        sampled.finish(i, kTarget);
      }
    }
    sampled.flush();
    for (size_t c = 0; c < kWidth; ++c) {
      double expected = -2 * (1 - of_target) * static_cast<double>(head.values[kTarget * kWidth + c]),
             mean = 0, square = 0;
      for (size_t i = 0; i < kVocab; ++i)
        expected += 2 * static_cast<double>(p[i] * head.values[i * kWidth + c]);
      for (size_t i = 0; i < kRows; ++i) {
        const double off = static_cast<double>(products[i * kWidth + c]) - expected;
        mean += off / kRows;
        square += off * off / kRows;
      }
      const double size = 2 * (1 - of_target);
      EXPECT_LT(std::sqrt(square), 0.03 * size) << of_target;
      EXPECT_GT(std::sqrt(square), 0.001 * size) << of_target;
      EXPECT_NEAR(mean, 0, 4 * std::sqrt(square / kRows) + 1e-5 * size) << of_target;
    }
  }
}

// A row that is as sure as f32 can be, all others being exponentials that stand for zero: next to nothing is
// drawn, and a row that is not a number stays none.
TEST(SampledGradients, SureRowsAndNan) {
  constexpr size_t kVocab = 1024, kWidth = 32;
  Rng rng(42);
  const testing::Stored head = testing::store(rng, FormatId::kF32, kVocab, kWidth);
  std::vector<float> products(2 * kWidth, 7.0f);
  SampledGradients sampled(head.packed, 1.0f, 2);
  sampled.begin({products.data(), products.data() + kWidth});
  const std::vector<float> p(kVocab, 1.6e-38f), nan(kVocab, std::nanf(""));
  sampled.start(0, 1, 1.0);
  sampled.add(0, 0, kVocab, 1.0f, p.data());
  sampled.finish(0, 5);
  sampled.start(1, 2, std::nan(""));
  sampled.add(1, 0, kVocab, 1.0f, nan.data());
  sampled.finish(1, 5);
  sampled.flush();
  for (size_t c = 0; c < kWidth; ++c) {
    EXPECT_NEAR(products[c], 0, 1e-8f);
    EXPECT_TRUE(std::isnan(products[kWidth + c]));
  }
}

}  // namespace
}  // namespace hone
