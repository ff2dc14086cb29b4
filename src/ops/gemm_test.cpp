// Products against a plain loop.
#include "ops/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/ops.h"
#include "ops/testing.h"

namespace hone {
namespace {

using namespace testing;

TEST(Gemm, AllLayoutsAndFormatsEqualThePlainLoop) {
  Rng rng(1);
  for (const FormatId id : kFormats) {
    for (const size_t m : {1u, 3u, 9u, 61u}) {
      for (const size_t n : {32u, 96u, 160u}) {
        for (const size_t k : {32u, 288u, 576u}) {
          const Tensor a = random_tensor(rng, {m, k}), at = random_tensor(rng, {k, m});
          const Stored nt = store(rng, id, n, k), nn = store(rng, id, k, n);
          Tensor c = Tensor::empty({m, n}), d = Tensor::empty({m, n}), e = Tensor::empty({m, n});
          const GemmOptions precise{.compute = ComputeMode::kPrecise, .alpha = 0.5f};
          const bool interleaved = m % 2 == 0 || n == 96;
          gemm_nt(m, a.data(), k, interleaved ? nt.packed : nt.view, c.data(), n, precise);
          gemm_nn(m, a.data(), k, interleaved ? nn.packed : nn.view, d.data(), n, precise);
          gemm_tn(m, at.data(), m, nn.view, nullptr, e.data(), n, precise);
          const float tolerance = 1e-6f * static_cast<float>(k + 10) * 4;
          for (size_t i = 0; i < m; ++i) {
            for (size_t j = 0; j < n; ++j) {
              double x = 0, y = 0, z = 0;
              for (size_t l = 0; l < k; ++l) {
                x += static_cast<double>(a.row(i)[l]) * static_cast<double>(nt.values[j * k + l]);
                y += static_cast<double>(a.row(i)[l]) * static_cast<double>(nn.values[l * n + j]);
                z += static_cast<double>(at.row(l)[i]) * static_cast<double>(nn.values[l * n + j]);
              }
              ASSERT_NEAR(c.row(i)[j], 0.5 * x, tolerance) << format_of(id).name << m << "x" << n << "x" << k;
              ASSERT_NEAR(d.row(i)[j], 0.5 * y, tolerance) << format_of(id).name;
              ASSERT_NEAR(e.row(i)[j], 0.5 * z, tolerance) << format_of(id).name;
            }
          }
        }
      }
    }
  }
}

TEST(Gemm, OddSizesAccumulateAndLeaveTheRestAlone) {
  Rng rng(2);
  for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kFast}) {
    for (const size_t m : {1u, 13u, 50u}) {
      for (const size_t n : {1u, 5u, 33u, 67u}) {
        for (const size_t k : {1u, 3u, 259u}) {
          const Tensor a = random_tensor(rng, {m, k}), w = random_tensor(rng, {n, k});
          const size_t ldc = n + 1;
          Tensor c = Tensor::empty({m, ldc});
          for (size_t i = 0; i < c.size(); ++i) c.data()[i] = 1.0f;
          gemm_nt(m, a.data(), k, f32_view(w), c.data(), ldc, {.compute = mode, .accumulate = true});
          for (size_t i = 0; i < m; ++i) {
            for (size_t j = 0; j < n; ++j) {
              double sum = 1.0, size = 1.0;
              for (size_t l = 0; l < k; ++l) {
                const double p = static_cast<double>(a.row(i)[l]) * static_cast<double>(w.row(j)[l]);
                sum += p;
                size += std::fabs(p);
              }
              ASSERT_NEAR(c.row(i)[j], sum, (mode == ComputeMode::kPrecise ? 1e-6 : 6e-3) * size);
            }
            ASSERT_EQ(c.row(i)[n], 1.0f);
          }
        }
      }
    }
  }
}

// The largest relative error of a row of c beside precise ones, in root mean square.
double largest_row_error(const Tensor& precise, const Tensor& c) {
  double largest = 0;
  for (size_t i = 0; i < c.rows(); ++i) {
    double error = 0, size = 0;
    for (size_t j = 0; j < c.cols(); ++j) {
      const double exact = static_cast<double>(precise.row(i)[j]);
      error += std::pow(static_cast<double>(c.row(i)[j]) - exact, 2);
      size += exact * exact;
    }
    const double relative = std::sqrt(error / size);
    if (!(relative <= largest)) largest = relative;
  }
  return largest;
}

// Rows and weights beyond what halves of 5 bits of exponent hold.
TEST(Gemm, FastModeTakesNumbersOfAnySize) {
  Rng rng(31);
  const size_t m = 60, n = 96, k = 704;
  Tensor a = random_tensor(rng, {m, k});
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < k; ++j) a.row(i)[j] *= std::ldexp(1.0f, static_cast<int>(i) - 30);
  const std::pair<FormatId, std::vector<int>> cases[] = {{FormatId::kF32, {-40, 0, 40}},
                                                         {FormatId::kF16, {-12, -5, 0, 6, 12}},
                                                         {FormatId::kBF16, {-40, 0, 40}},
                                                         {FormatId::kQ8_0, {-16, -8, 0, 8, 16}}};
  for (const auto& [id, exponents] : cases)
    for (const int exponent : exponents) {
      const double scale = std::ldexp(1.0, exponent);
      const Stored nt = store(rng, id, n, k, scale), nn = store(rng, id, k, n, scale);
      Tensor precise = Tensor::empty({m, n}), fast = Tensor::empty({m, n});
      gemm_nt(m, a.data(), k, nt.view, precise.data(), n, {.compute = ComputeMode::kPrecise});
      gemm_nt(m, a.data(), k, nt.view, fast.data(), n);
      ASSERT_LT(largest_row_error(precise, fast), 0.005) << format_of(id).name << " * 2^" << exponent;
      for (const MatrixView& w : {nn.view, nn.packed}) {
        gemm_nn(m, a.data(), k, w, precise.data(), n, {.compute = ComputeMode::kPrecise});
        gemm_nn(m, a.data(), k, w, fast.data(), n);
        ASSERT_LT(largest_row_error(precise, fast), 0.005) << format_of(id).name << " * 2^" << exponent;
      }
    }
}

TEST(Gemm, WhatIsNotFiniteStaysInItsRow) {
  Rng rng(35);
  const size_t m = 60, n = 96, k = 700;
  Tensor a = random_tensor(rng, {m, k});
  a.row(3)[5] = std::numeric_limits<float>::infinity();
  for (const FormatId id : {FormatId::kF32, FormatId::kF16}) {
    const Stored w = store(rng, id, n, k);
    Tensor c = Tensor::empty({m, n});
    gemm_nt(m, a.data(), k, w.view, c.data(), n);
    EXPECT_FALSE(std::isfinite(c.row(3)[0]));
    EXPECT_TRUE(std::isfinite(c.row(4)[0]));
  }
}

// Rows kept for the gradients of weights: as stored halves with factors where products are in f16.
TEST(Gemm, KeptRowsOfAnySizeGiveWeightGradients) {
  Rng rng(36);
  const size_t n = 100, k = 333;
  Tensor x = random_tensor(rng, {k, n});
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < n; ++j) x.row(i)[j] *= std::ldexp(1.0f, static_cast<int>(i % 40) - 20);
  const KeptRows kept(x, ComputeMode::kFast, KeptFor::kProducts);
  EXPECT_LT(largest_row_error(x, kept.values()), 0.003);
  for (const size_t m : {1u, 16u}) {
    const Tensor a = random_tensor(rng, {k, m});
    Tensor precise = Tensor::empty({m, n}), fast = Tensor::empty({m, n});
    gemm_tn(m, a.data(), m, f32_view(x), nullptr, precise.data(), n, {.compute = ComputeMode::kPrecise});
    gemm_tn(m, a.data(), m, kept.view(), kept.factors(), fast.data(), n);
    EXPECT_LT(largest_row_error(precise, fast), 0.005) << m;
  }
}

// A gradient that nobody asks for (of a text's last token) is zero among others that may be very small.
TEST(Gemm, RowsOfZerosDoNotDrownSmallOnes) {
  Rng rng(37);
  const size_t n = 96, k = 192, m = 16;
  Tensor dy = random_tensor(rng, {k, n});
  for (size_t i = 0; i < dy.size(); ++i) dy.data()[i] *= std::ldexp(1.0f, -24);
  std::fill_n(dy.row(k - 1), n, 0.0f);
  const Tensor low = random_tensor(rng, {k, m});
  const KeptRows kept(dy, ComputeMode::kFast, KeptFor::kProducts);
  Tensor precise = Tensor::empty({m, n}), fast = Tensor::empty({m, n});
  gemm_tn(m, low.data(), m, f32_view(dy), nullptr, precise.data(), n, {.compute = ComputeMode::kPrecise});
  gemm_tn(m, low.data(), m, kept.view(), kept.factors(), fast.data(), n);
  EXPECT_LT(largest_row_error(precise, fast), 0.01);
}

TEST(Gemm, FastModeStaysCloseOnQuantizedRows) {
  Rng rng(3);
  for (const FormatId id : kFormats) {
    for (const size_t m : {1u, 4u, 40u}) {
      const size_t n = 75, k = m == 4 ? 576 : 1344;
      const Tensor a = random_tensor(rng, {m, k});
      const Stored w = store(rng, id, n, k);
      Tensor precise = Tensor::empty({m, n}), fast = Tensor::empty({m, n});
      gemm_nt(m, a.data(), k, w.view, precise.data(), n, {.compute = ComputeMode::kPrecise});
      gemm_nt(m, a.data(), k, w.packed, fast.data(), n, {.compute = ComputeMode::kFast});
      double error = 0, size = 0;
      for (size_t i = 0; i < precise.size(); ++i) {
        error += std::pow(static_cast<double>(precise.data()[i] - fast.data()[i]), 2);
        size += std::pow(static_cast<double>(precise.data()[i]), 2);
      }
      EXPECT_LT(std::sqrt(error / size), 0.01) << format_of(id).name << " m=" << m;
    }
  }
}

// Sums of n columns, on top of 3 in every element: those in int8 are close to the precise ones, differ from
// the fast ones or not, and leave what is behind them alone.
void check_int8(const Tensor& precise, const Tensor& int8, const Tensor& fast, size_t n, bool differ,
                const std::string& what) {
  double error = 0, size = 0;
  bool differs = false;
  for (size_t i = 0; i < int8.rows(); ++i)
    for (size_t j = 0; j < int8.cols(); ++j) {
      differs = differs || int8.row(i)[j] != fast.row(i)[j];
      ASSERT_TRUE(j < n || int8.row(i)[j] == 3.0f) << what;
      error += std::pow(static_cast<double>(int8.row(i)[j] - precise.row(i)[j]), 2);
      size += std::pow(static_cast<double>(precise.row(i)[j] - 3.0f), 2);
    }
  EXPECT_LT(std::sqrt(error / size), 0.01) << what;
  EXPECT_EQ(differs, differ) << what;
}

// Gradients through frozen weights of any format are in int8 where that pays: on top of what is in C and
// beside a product with weights that are trained, with too few rows and many.
TEST(Gemm, GradientsThroughFrozenWeightsAreInt8) {
  Rng rng(41);
  for (const FormatId id : kFormats)
    for (const size_t m : {31u, 40u, 200u})
      for (const size_t k : {160u, 176u, 1344u}) {
        const size_t n = 96, ldc = n + 5;
        const Tensor a = random_tensor(rng, {m, k});
        const Stored nn = store(rng, id, k, n);
        const MatrixView w = m == 40 ? nn.view : nn.packed;
        const auto product = [&](ComputeMode mode, bool frozen) {
          Tensor c = Tensor::zeros({m, ldc});
          std::fill(c.data(), c.data() + c.size(), 3.0f);
          const GemmRows rows{m, k, a.data(), k, 1};
          const GemmTerm terms[] = {{rows, w, false, false}, {rows, w, false, frozen}};
          const GemmTarget target{terms, c.data(), ldc};
          gemm_nn(std::span(&target, 1), {.compute = mode, .alpha = 0.5f, .accumulate = true});
          return c;
        };
        const Tensor precise = product(ComputeMode::kPrecise, true), int8 = product(ComputeMode::kInt8, true),
                     halves = product(ComputeMode::kInt8, false), fast = product(ComputeMode::kFast, true);
        for (size_t i = 0; i < fast.size(); ++i) ASSERT_EQ(halves.data()[i], fast.data()[i]);
        check_int8(precise, int8, fast, n, int8_is_fastest() && m >= 32 && k % 32 == 0,
                   std::string(format_of(id).name) + " m=" + std::to_string(m) + " k=" + std::to_string(k));
      }
}

// So are products with their rows, where they are told to be.
TEST(Gemm, ProductsWithFrozenWeightsAreInt8) {
  Rng rng(42);
  for (const FormatId id : kFormats)
    for (const size_t m : {31u, 70u})
      for (const size_t k : {160u, 176u, 1344u}) {
        if (k % format_of(id).block_elems != 0) continue;
        const size_t n = 101, ldc = n + 3;
        const Tensor a = random_tensor(rng, {m, k});
        const Stored stored = store(rng, id, n, k);
        const auto product = [&](ComputeMode mode, bool frozen) {
          Tensor c = Tensor::zeros({m, ldc});
          std::fill(c.data(), c.data() + c.size(), 3.0f);
          const GemmTerm term{{m, k, a.data(), k, 1}, stored.view, false, frozen};
          const GemmTarget target{std::span(&term, 1), c.data(), ldc};
          gemm_nt(std::span(&target, 1), {.compute = mode, .alpha = 0.5f, .accumulate = true});
          return c;
        };
        const Tensor precise = product(ComputeMode::kPrecise, true), int8 = product(ComputeMode::kInt8, true),
                     fast = product(ComputeMode::kFast, true);
        check_int8(precise, int8, fast, n, int8_is_fastest() && m >= 32 && k % 32 == 0,
                   std::string(format_of(id).name) + " m=" + std::to_string(m) + " k=" + std::to_string(k));
      }
}

// Of the result's deviation: two planes of int8 codes have about 14 bits each, and so has 16-bit fixed point.
double nearly_exact() {
  if (active_kernels().bf16_outruns_int8) return 4e-3;  // exact or not, no int8
  return active_kernels().i16 != nullptr ? 2e-4 : 1e-4;
}

// Beside a plain product of the same input, on top of what is in C.
TEST(Gemm, ExactTermsOfQuantizedRowsLoseNextToNothing) {
  Rng rng(4);
  for (const FormatId id : kFormats) {
    if (!packing_of(format_of(id))) continue;
    for (const size_t m : {1u, 4u, 9u, 40u}) {
      const size_t n = 75, k = 1344;
      const Tensor a = random_tensor(rng, {m, k});
      const Stored w = store(rng, id, n, k), other = store(rng, id, n, k);
      Tensor precise = Tensor::zeros({m, n}), exact = Tensor::zeros({m, n}), plain = Tensor::zeros({m, n});
      for (Tensor* c : {&precise, &exact}) std::fill(c->data(), c->data() + c->size(), 3.0f);
      const GemmOptions on_top{.accumulate = true};
      gemm_nt(m, a.data(), k, w.view, precise.data(), n,
              {.compute = ComputeMode::kPrecise, .accumulate = true});
      const GemmRows rows{m, k, a.data(), k, 1};
      const GemmTerm terms[] = {{rows, w.packed, true}, {rows, other.packed, false}};
      const GemmTarget targets[] = {{std::span(terms, 1), exact.data(), n},
                                    {std::span(terms + 1, 1), plain.data(), n}};
      gemm_nt(targets, on_top);
      double error = 0, size = 0;
      for (size_t i = 0; i < precise.size(); ++i) {
        error += std::pow(static_cast<double>(precise.data()[i] - exact.data()[i]), 2);
        size += std::pow(static_cast<double>(precise.data()[i]), 2);
      }
      EXPECT_LT(std::sqrt(error / size), nearly_exact()) << format_of(id).name << " m=" << m;
    }
  }
}

// A few rows on top of a product of many: they are exact, and the others as they are without.
TEST(Gemm, SingleRowsOfQuantizedProductsCanBeExact) {
  Rng rng(33);
  for (const FormatId id : kFormats) {
    if (!packing_of(format_of(id))) continue;
    for (const size_t m : {6u, 60u, 301u}) {
      const size_t n = 75, k = 1344;
      const Tensor a = random_tensor(rng, {m, k});
      const Stored w = store(rng, id, n, k);
      Tensor precise = Tensor::empty({m, n}), plain = Tensor::empty({m, n}), some = Tensor::empty({m, n});
      std::vector<size_t> rows = {0, 1, 2, 3, 5};
      if (m > 6) rows.insert(rows.end(), {11, 12, 13, m - 2, m - 1});
      gemm_nt(m, a.data(), k, w.view, precise.data(), n, {.compute = ComputeMode::kPrecise, .alpha = 0.5f});
      gemm_nt(m, a.data(), k, w.packed, plain.data(), n, {.alpha = 0.5f});
      gemm_nt(m, a.data(), k, w.packed, some.data(), n, {.alpha = 0.5f, .exact_rows = rows});
      for (size_t i = 0; i < m; ++i) {
        // Of six rows all are exact where that costs nothing.
        const bool others_too = m == 6 && !packing_of(format_of(id))->planes_cost;
        if (!others_too && !std::binary_search(rows.begin(), rows.end(), i)) {
          for (size_t j = 0; j < n; ++j) ASSERT_EQ(some.row(i)[j], plain.row(i)[j]) << i;
          continue;
        }
        double error = 0, size = 0;
        for (size_t j = 0; j < n; ++j) {
          error += std::pow(static_cast<double>(precise.row(i)[j] - some.row(i)[j]), 2);
          size += std::pow(static_cast<double>(precise.row(i)[j]), 2);
        }
        EXPECT_LT(std::sqrt(error / size), nearly_exact())
            << format_of(id).name << " row " << i << " of " << m;
      }
    }
  }
}

}  // namespace
}  // namespace hone
