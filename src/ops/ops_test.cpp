// Products against a plain loop, every op's backward against finite differences.
#include "ops/ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/kv_layer.h"

namespace hone {
namespace {

Tensor random_tensor(Rng& rng, Tensor::Shape shape, double scale = 1.0) {
  Tensor t = Tensor::empty(std::move(shape));
  for (size_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(rng.normal() * scale);
  return t;
}

struct Stored {
  std::vector<std::byte> bytes, interleaved;
  std::vector<float> values;  // what the bytes decode to
  MatrixView view;
  MatrixView packed;  // the same, as this machine multiplies it fastest
};

Stored store(Rng& rng, FormatId id, size_t rows, size_t cols, double scale = 1.0, float mean = 0.0f) {
  const Format& f = format_of(id);
  const Tensor w = random_tensor(rng, {rows, cols}, scale);
  for (size_t i = 0; i < w.size(); ++i) w.data()[i] += mean;
  Stored s;
  s.bytes.resize(f.bytes(rows * cols));
  f.from_float(w.data(), s.bytes.data(), rows * cols);
  s.values.resize(rows * cols);
  f.to_float(s.bytes.data(), s.values.data(), rows * cols);
  s.view = s.packed = {&f, s.bytes.data(), rows, cols};
  if (const PackedKernels* packing = packing_of(f)) {
    s.interleaved.resize(packed_bytes(*packing, f, rows, cols) + 64);
    s.packed = pack_matrix(*packing, s.view, s.interleaved.data(), &thread_pool());
  }
  return s;
}

constexpr FormatId kFormats[] = {FormatId::kF32,  FormatId::kF16,  FormatId::kBF16, FormatId::kQ8_0,
                                 FormatId::kQ4_0, FormatId::kQ4_1, FormatId::kQ5_0, FormatId::kQ5_1};

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
        double error = 0, size = 0;
        bool differs = false;
        for (size_t i = 0; i < m; ++i)
          for (size_t j = 0; j < ldc; ++j) {
            ASSERT_EQ(halves.row(i)[j], fast.row(i)[j]);
            differs = differs || int8.row(i)[j] != fast.row(i)[j];
            ASSERT_TRUE(j < n || int8.row(i)[j] == 3.0f);
            error += std::pow(static_cast<double>(int8.row(i)[j] - precise.row(i)[j]), 2);
            size += std::pow(static_cast<double>(precise.row(i)[j] - 3.0f), 2);
          }
        EXPECT_LT(std::sqrt(error / size), 0.01) << format_of(id).name << " m=" << m << " k=" << k;
        EXPECT_EQ(differs, int8_is_fastest() && m >= 32 && k % 32 == 0)
            << format_of(id).name << " m=" << m << " k=" << k;
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
        double error = 0, size = 0;
        bool differs = false;
        for (size_t i = 0; i < m; ++i)
          for (size_t j = 0; j < ldc; ++j) {
            differs = differs || int8.row(i)[j] != fast.row(i)[j];
            ASSERT_TRUE(j < n || int8.row(i)[j] == 3.0f);
            error += std::pow(static_cast<double>(int8.row(i)[j] - precise.row(i)[j]), 2);
            size += std::pow(static_cast<double>(precise.row(i)[j] - 3.0f), 2);
          }
        EXPECT_LT(std::sqrt(error / size), 0.01) << format_of(id).name << " m=" << m << " k=" << k;
        EXPECT_EQ(differs, int8_is_fastest() && m >= 32 && k % 32 == 0)
            << format_of(id).name << " m=" << m << " k=" << k;
      }
}

// Of the result's deviation: two planes of int8 codes have about 14 bits each, and so has 16-bit fixed point.
double nearly_exact() {
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
        if (m > 6 && !std::binary_search(rows.begin(), rows.end(), i)) {
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

// d/dx of sum(f(x) * g) by central differences against the tape, for a few elements of x.
void check_gradient(Rng& rng, const Tensor& x, const std::function<Tensor(OpContext&, const Tensor&)>& f,
                    double tolerance = 2e-2) {
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
  tape.require(x);
  const Tensor y = f(ctx, x);
  const Tensor g = random_tensor(rng, y.shape());
  tape.add_grad(y, g.clone());
  tape.backward();
  const Tensor dx = tape.take_grad(x);
  ASSERT_TRUE(dx.defined());
  OpContext plain{.compute = ComputeMode::kPrecise};
  const auto value = [&] {
    const Tensor out = f(plain, x);
    double sum = 0;
    for (size_t i = 0; i < out.size(); ++i)
      sum += static_cast<double>(out.data()[i]) * static_cast<double>(g.data()[i]);
    return sum;
  };
  for (int trial = 0; trial < 12; ++trial) {
    const size_t i = rng.below(x.size());
    const float kept = x.data()[i], step = 1e-2f;
    // Four-point differences: the error is of order step^4.
    double d = 0;
    const double weights[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    const float offsets[] = {-2 * step, -step, step, 2 * step};
    for (int p = 0; p < 4; ++p) {
      x.data()[i] = kept + offsets[p];
      d += weights[p] * value();
    }
    x.data()[i] = kept;
    EXPECT_NEAR(dx.data()[i], d / static_cast<double>(step),
                tolerance * (1 + std::fabs(d / static_cast<double>(step))));
  }
}

TEST(Backward, RmsNorm) {
  Rng rng(10);
  const Tensor w = random_tensor(rng, {40});
  check_gradient(rng, random_tensor(rng, {5, 40}),
                 [&](OpContext& ctx, const Tensor& x) { return rms_norm(ctx, x, w, 1e-5f); });
  // Heads normalised by themselves.
  check_gradient(rng, random_tensor(rng, {5, 120}),
                 [&](OpContext& ctx, const Tensor& x) { return rms_norm(ctx, x, w, 1e-5f); });
}

TEST(RmsNorm, OfHeadsEqualsThatOfRows) {
  Rng rng(22);
  const Tensor w = random_tensor(rng, {8}), x = random_tensor(rng, {3, 24});
  OpContext ctx;
  const Tensor heads = rms_norm(ctx, x, w, 1e-5f), rows = rms_norm(ctx, x.reshape({9, 8}), w, 1e-5f);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(heads.data()[i], rows.data()[i]);
}

TEST(Gated, EqualsTheDefinitions) {
  OpContext ctx;
  const Tensor gate = Tensor::from({1, 5}, {-30.0f, -1.5f, 0.0f, 0.7f, 12.0f}),
               up = Tensor::from({1, 5}, {1.0f, 2.0f, 3.0f, -1.0f, 0.5f});
  const Tensor silu = gated(ctx, Activation::kSilu, gate, up), gelu = gated(ctx, Activation::kGelu, gate, up);
  for (size_t i = 0; i < 5; ++i) {
    const double x = static_cast<double>(gate.data()[i]), u = static_cast<double>(up.data()[i]);
    EXPECT_NEAR(silu.data()[i], x / (1 + std::exp(-x)) * u, 1e-5);
    const double inner = std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x);
    EXPECT_NEAR(gelu.data()[i], 0.5 * x * (1 + std::tanh(inner)) * u, 1e-5);
  }
}

TEST(Backward, RmsNormWeight) {
  Rng rng(11);
  const Tensor x = random_tensor(rng, {6, 16});
  Parameter w{.name = "w", .value = random_tensor(rng, {16}), .grad = {}};
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
  const Tensor y = rms_norm(ctx, x, w.value, 1e-5f, &w);
  const Tensor g = random_tensor(rng, y.shape());
  tape.add_grad(y, g.clone());
  tape.backward();
  for (size_t i = 0; i < 16; ++i) {
    double expected = 0;
    for (size_t t = 0; t < 6; ++t)
      expected += static_cast<double>(y.row(t)[i] / w.value.data()[i] * g.row(t)[i]);
    EXPECT_NEAR(w.grad.data()[i], expected, 1e-4);
  }
}

TEST(Split, TakesColumnsInOrder) {
  OpContext ctx;
  const Tensor x = Tensor::from({2, 4}, {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f});
  const std::vector<Tensor> parts = split_columns(ctx, x, {1, 3});
  ASSERT_EQ(parts.size(), 2u);
  for (size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(parts[0].row(t)[0], x.row(t)[0]);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(parts[1].row(t)[i], x.row(t)[i + 1]);
  }
}

TEST(Backward, Split) {
  Rng rng(23);
  check_gradient(rng, random_tensor(rng, {4, 24}), [](OpContext& ctx, const Tensor& x) {
    const std::vector<Tensor> parts = split_columns(ctx, x, {8, 8, 8});
    return gated(ctx, Activation::kSilu, parts[0], parts[2]);  // one part has no gradient
  });
}

TEST(Backward, Rope) {
  Rng rng(12);
  const std::vector<int32_t> positions = {0, 1, 2, 0, 1, 7};
  const std::vector<float> frequencies = {1.0f, 0.3f, 0.05f, 0.01f};
  for (const bool interleaved : {false, true})
    for (const size_t pairs : {size_t{4}, size_t{3}})  // whole heads, and three quarters of them
      check_gradient(rng, random_tensor(rng, {6, 24}), [&](OpContext& ctx, const Tensor& x) {
        return rope(ctx, x, 8, positions,
                    {std::span(frequencies).first(pairs), interleaved, pairs == 4 ? 1.0f : 1.3f});
      });
}

TEST(Backward, GatedUnitsAndAdd) {
  Rng rng(13);
  const Tensor other = random_tensor(rng, {4, 33});
  for (const Activation activation : {Activation::kSilu, Activation::kGelu}) {
    check_gradient(rng, random_tensor(rng, {4, 33}),
                   [&](OpContext& ctx, const Tensor& x) { return gated(ctx, activation, x, other); });
    check_gradient(rng, random_tensor(rng, {4, 33}),
                   [&](OpContext& ctx, const Tensor& x) { return gated(ctx, activation, other, x); });
    check_gradient(rng, random_tensor(rng, {4, 33}), [&](OpContext& ctx, const Tensor& x) {
      return add(ctx, x, gated(ctx, activation, x, x));
    });
  }
}

TEST(Backward, MatmulOverEveryFormat) {
  Rng rng(14);
  for (const FormatId id : kFormats) {
    const Stored w = store(rng, id, 48, 64);
    check_gradient(rng, random_tensor(rng, {11, 64}),
                   [&](OpContext& ctx, const Tensor& x) { return matmul(ctx, x, w.view); });
  }
}

TEST(Backward, MatmulWeight) {
  Rng rng(15);
  const Tensor x = random_tensor(rng, {9, 20});
  Parameter w{.name = "w", .value = random_tensor(rng, {7, 20}), .grad = {}};
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
  const Tensor y = matmul(ctx, x, f32_view(w.value), &w);
  const Tensor g = random_tensor(rng, y.shape());
  tape.add_grad(y, g.clone());
  tape.backward();
  for (size_t o = 0; o < 7; ++o)
    for (size_t c = 0; c < 20; ++c) {
      double expected = 0;
      for (size_t t = 0; t < 9; ++t)
        expected += static_cast<double>(g.row(t)[o]) * static_cast<double>(x.row(t)[c]);
      EXPECT_NEAR(w.grad.row(o)[c], expected, 1e-4);
    }
}

// Softmax attention written out, one query at a time.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& s,
                       const std::vector<AttentionSegment>& segments) {
  Tensor y = Tensor::zeros(q.shape());
  for (const AttentionSegment& seg : segments)
    for (size_t r = 0; r < seg.n_rows; ++r)
      for (size_t h = 0; h < s.n_heads; ++h) {
        const size_t kv = h / (s.n_heads / s.n_kv_heads) * s.head_dim, row = seg.begin + r;
        const size_t first = s.window != 0 && r >= s.window ? r - s.window + 1 : 0;
        std::vector<double> p(r + 1);
        double total = 0;
        for (size_t j = first; j <= r; ++j) {
          double dot = 0;
          for (size_t i = 0; i < s.head_dim; ++i)
            dot += static_cast<double>(q.row(row)[h * s.head_dim + i]) *
                   static_cast<double>(k.row(seg.begin + j)[kv + i]);
          total += p[j] = std::exp(dot * static_cast<double>(s.scale));
        }
        for (size_t j = first; j <= r; ++j)
          for (size_t i = 0; i < s.head_dim; ++i)
            y.row(row)[h * s.head_dim + i] +=
                static_cast<float>(p[j] / total * static_cast<double>(v.row(seg.begin + j)[kv + i]));
      }
  return y;
}

TEST(Attention, EqualsThePlainFormOnPackedSequences) {
  Rng rng(16);
  for (const size_t d : {8u, 16u, 20u, 64u}) {
    const std::vector<AttentionSegment> segments = {{0, 3}, {3, 330}, {333, 1}, {334, 31}};
    const Tensor q = random_tensor(rng, {365, 6 * d}), k = random_tensor(rng, {365, 2 * d}),
                 v = random_tensor(rng, {365, 2 * d});
    for (const size_t window : {0u, 1u, 7u, 64u, 65u, 400u}) {
      const AttentionShape shape{6, 2, d, 1.0f / std::sqrt(static_cast<float>(d)), window};
      const Tensor expected = plain_attention(q, k, v, shape, segments);
      for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kFast}) {
        OpContext ctx{.compute = mode};
        const Tensor y = attention(ctx, q, k, v, shape, segments);
        for (size_t i = 0; i < y.size(); ++i)
          ASSERT_NEAR(y.data()[i], expected.data()[i], mode == ComputeMode::kPrecise ? 2e-5 : 3e-2)
              << "D=" << d << " window=" << window << " i=" << i;
      }
    }
  }
}

TEST(Attention, CacheGivesTheSameRows) {
  Rng rng(17);
  for (const auto& [d, window] : std::vector<std::pair<size_t, size_t>>{
           {12, 0}, {16, 0}, {64, 0}, {96, 0}, {12, 5}, {16, 16}, {64, 33}, {96, 1}}) {
    const size_t n = 70;
    const AttentionShape shape{4, 2, d, 0.25f, window};
    const Tensor q = random_tensor(rng, {n, 4 * d}), k = random_tensor(rng, {n, 2 * d}),
                 v = random_tensor(rng, {n, 2 * d});
    const std::vector<AttentionSegment> whole = {{0, n}};
    OpContext ctx{.compute = ComputeMode::kPrecise};
    const Tensor expected = attention(ctx, q, k, v, shape, whole);
    for (const KvFormat format : {KvFormat::kF32, KvFormat::kF16, KvFormat::kQ8_0}) {
      if (format == KvFormat::kQ8_0 && d % 32 != 0) {
        EXPECT_THROW(KvLayer(2, d, n, format), Error);
        continue;
      }
      const double tolerance = format == KvFormat::kF32 ? 1e-5 : format == KvFormat::kF16 ? 3e-3 : 4e-2;
      KvLayer cache(2, d, n, format);
      cache.write(0, 33, k.data(), v.data());
      cache.write(33, n - 33, k.row(33), v.row(33));
      for (const size_t past : {10u, 50u, 66u, 69u}) {
        const size_t rows = n - past;
        Tensor tail_q = Tensor::empty({rows, 4 * d}), tail_kv = Tensor::zeros({rows, 2 * d});
        std::copy_n(q.row(past), tail_q.size(), tail_q.data());
        const std::vector<AttentionSegment> segments = {{0, rows, &cache, n}};
        const Tensor y = attention(ctx, tail_q, tail_kv, tail_kv, shape, segments);
        for (size_t i = 0; i < y.size(); ++i)
          ASSERT_NEAR(y.data()[i], expected.row(past)[i], tolerance) << "past " << past << " D=" << d;
      }
    }
  }
}

// Relative to the size of all, from row `first` of the expected on.
double relative_error(const Tensor& y, const Tensor& expected, size_t first = 0) {
  double error = 0, size = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double exact = static_cast<double>(expected.row(first)[i]);
    error += std::pow(static_cast<double>(y.data()[i]) - exact, 2);
    size += exact * exact;
  }
  return std::sqrt(error / size);
}

// Keys in several blocks, and scores large enough that a later block changes what the earlier ones weigh.
TEST(Attention, LongSequencesEqualThePlainForm) {
  Rng rng(21);
  const size_t d = 16, n = 2400;
  const Tensor q = random_tensor(rng, {n, 2 * d}), k = random_tensor(rng, {n, d}),
               v = random_tensor(rng, {n, d});
  const std::vector<AttentionSegment> segments = {{0, 2299}, {2299, 101}};
  KvLayer cache(1, d, 2299, KvFormat::kF32);
  cache.write(0, 2299, k.data(), v.data());
  for (const size_t window : {0u, 300u, 1024u, 1500u}) {
    const AttentionShape shape{2, 1, d, 1.5f, window};
    const Tensor expected = plain_attention(q, k, v, shape, segments);
    for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kFast}) {
      const double tolerance = mode == ComputeMode::kPrecise ? 1e-5 : 0.02;  // bf16, where it pays
      OpContext ctx{.compute = mode};
      EXPECT_LT(relative_error(attention(ctx, q, k, v, shape, segments), expected), tolerance) << window;
      const size_t past = 1950, rows = 2299 - past;
      Tensor tail_q = Tensor::empty({rows, 2 * d}), tail_kv = Tensor::zeros({rows, d});
      std::copy_n(q.row(past), tail_q.size(), tail_q.data());
      const std::vector<AttentionSegment> tail = {{0, rows, &cache, 2299}};
      EXPECT_LT(relative_error(attention(ctx, tail_q, tail_kv, tail_kv, shape, tail), expected, past),
                tolerance)
          << window;
    }
  }
}

// What training uses where the ISA multiplies in bf16.
TEST(Attention, HalfPrecisionGradientIsClose) {
  Rng rng(20);
  const AttentionShape shape{6, 2, 64, 0.125f};
  const std::vector<AttentionSegment> segments = {{0, 61}, {61, 50}};
  const Tensor q = random_tensor(rng, {111, 384}), k = random_tensor(rng, {111, 128}),
               v = random_tensor(rng, {111, 128}), g = random_tensor(rng, {111, 384});
  std::vector<Tensor> gradients[2];
  for (const ComputeMode mode : {ComputeMode::kPrecise, ComputeMode::kHalf}) {
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = mode};
    for (const Tensor* x : {&q, &k, &v}) tape.require(*x);
    tape.add_grad(attention(ctx, q, k, v, shape, segments), g.clone());
    tape.backward();
    for (const Tensor* x : {&q, &k, &v}) gradients[mode == ComputeMode::kHalf].push_back(tape.take_grad(*x));
  }
  for (size_t t = 0; t < 3; ++t) EXPECT_LT(relative_error(gradients[1][t], gradients[0][t]), 0.02);
}

void check_attention_gradients(Rng& rng, size_t n, const AttentionShape& shape,
                               const std::vector<AttentionSegment>& segments) {
  const size_t q_width = shape.n_heads * shape.head_dim, kv_width = shape.n_kv_heads * shape.head_dim;
  const Tensor q = random_tensor(rng, {n, q_width}), k = random_tensor(rng, {n, kv_width}),
               v = random_tensor(rng, {n, kv_width});
  check_gradient(rng, q,
                 [&](OpContext& ctx, const Tensor& x) { return attention(ctx, x, k, v, shape, segments); });
  check_gradient(rng, k,
                 [&](OpContext& ctx, const Tensor& x) { return attention(ctx, q, x, v, shape, segments); });
  check_gradient(rng, v,
                 [&](OpContext& ctx, const Tensor& x) { return attention(ctx, q, k, x, shape, segments); });
}

TEST(Backward, Attention) {
  Rng rng(18);
  for (const size_t window : {0u, 1u, 6u, 50u})
    check_attention_gradients(rng, 180, {4, 2, 12, 0.3f, window}, {{0, 29}, {29, 2}, {31, 9}, {40, 140}});
}

// Rows of a head in two parts.
TEST(Backward, AttentionOfAnOddNumberOfHeads) {
  Rng rng(23);
  for (const size_t window : {0u, 6u, 100u})
    check_attention_gradients(rng, 286, {3, 1, 12, 0.3f, window}, {{0, 95}, {95, 96}, {191, 95}});
  check_attention_gradients(rng, 1190, {1, 1, 8, 1.0f, 0}, {{0, 20}, {20, 1170}});
}

TEST(Backward, AttentionOverSeveralBlocksOfKeys) {
  Rng rng(22);
  for (const size_t window : {0u, 500u, 1100u})
    check_attention_gradients(rng, 1190, {2, 1, 8, 1.0f, window}, {{0, 20}, {20, 1170}});
}

TEST(CrossEntropy, EqualsThePlainFormAndItsGradient) {
  Rng rng(19);
  const Stored head = store(rng, FormatId::kQ8_0, 101, 32);
  const Tensor x = random_tensor(rng, {300, 32}, 0.3);
  std::vector<int32_t> targets(300);
  for (size_t t = 0; t < 300; ++t) targets[t] = t % 7 == 0 ? -1 : static_cast<int32_t>(rng.below(101));
  Tape tape;
  OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
  tape.require(x);
  const float scale = 0.125f;
  const CrossEntropyResult result = linear_cross_entropy(ctx, x, head.view, targets, scale);
  const Tensor dx = tape.take_grad(x);
  OpContext plain{.compute = ComputeMode::kPrecise};
  double expected = 0;
  for (size_t t = 0; t < 300; ++t) {
    if (targets[t] < 0) {
      EXPECT_EQ(result.nll[t], 0.0f);
      for (size_t c = 0; c < 32; ++c) EXPECT_EQ(dx.row(t)[c], 0.0f);
      continue;
    }
    double sum = 0, target = 0;
    for (size_t v = 0; v < 101; ++v) {
      double logit = 0;
      for (size_t c = 0; c < 32; ++c)
        logit += static_cast<double>(x.row(t)[c]) * static_cast<double>(head.values[v * 32 + c]);
      sum += std::exp(logit);
      if (static_cast<int32_t>(v) == targets[t]) target = logit;
    }
    ASSERT_NEAR(result.nll[t], std::log(sum) - target, 1e-4);
    expected += std::log(sum) - target;
  }
  EXPECT_NEAR(result.sum_nll, expected, 1e-3 * expected);
  for (int trial = 0; trial < 20; ++trial) {
    const size_t i = rng.below(x.size());
    const float kept = x.data()[i], step = 1e-2f;
    x.data()[i] = kept + step;
    const double up = linear_cross_entropy(plain, x, head.view, targets, 1).sum_nll;
    x.data()[i] = kept - step;
    const double down = linear_cross_entropy(plain, x, head.view, targets, 1).sum_nll;
    x.data()[i] = kept;
    EXPECT_NEAR(dx.data()[i], static_cast<double>(scale) * (up - down) / (2.0 * static_cast<double>(step)),
                3e-3);
  }
}

// Training's fast way: with chunks of many rows and one of few; most probabilities are far below the largest.
TEST(CrossEntropy, TrainingInInt8IsClose) {
  Rng rng(24);
  for (const FormatId id : {FormatId::kF16, FormatId::kQ8_0})
    for (const size_t rows : {20u, 265u, 300u}) {
      const size_t vocab = 1504, width = 64;
      // What all of the vocabulary has in common: gradients that do not add up to nothing would show it.
      const Stored head = store(rng, id, vocab, width, 1.0, 1.0f);
      const Tensor x = random_tensor(rng, {rows, width}, 0.4);
      std::vector<int32_t> targets(rows);
      for (int32_t& target : targets) target = static_cast<int32_t>(rng.below(vocab));
      const auto run = [&](ComputeMode mode, CrossEntropyResult& result) {
        Tape tape;
        OpContext ctx{.tape = &tape, .compute = mode};
        tape.require(x);
        result = linear_cross_entropy(ctx, x, head.packed, targets, 0.5f);
        return tape.take_grad(x);
      };
      CrossEntropyResult precise_loss, loss, again;
      const Tensor precise = run(ComputeMode::kPrecise, precise_loss), dx = run(ComputeMode::kInt8, loss),
                   same = run(ComputeMode::kInt8, again);
      EXPECT_NEAR(loss.sum_nll, precise_loss.sum_nll, 0.003 * precise_loss.sum_nll);
      double error = 0, size = 0, common = 0;
      for (size_t c = 0; c < width; ++c) {
        double sum = 0;
        for (size_t t = 0; t < rows; ++t) {
          const auto off = static_cast<double>(dx.row(t)[c] - precise.row(t)[c]);
          sum += off;
          error += off * off;
          size += std::pow(static_cast<double>(precise.row(t)[c]), 2);
          ASSERT_EQ(dx.row(t)[c], same.row(t)[c]);
        }
        common += sum * sum;
      }
      EXPECT_LT(std::sqrt(error / size), 0.08) << format_of(id).name << " rows=" << rows;
      // Rows are off by chance, not all in one direction.
      EXPECT_TRUE(!int8_is_fastest() || common <= 12 * error) << format_of(id).name << " rows=" << rows;
      EXPECT_EQ(loss.sum_nll, again.sum_nll);
    }
}

TEST(Checkpoint, GivesTheSameGradient) {
  Rng rng(20);
  const Tensor w = random_tensor(rng, {24}), x = random_tensor(rng, {6, 24}), g = random_tensor(rng, {6, 24});
  const Tensor m = random_tensor(rng, {24, 24});
  const auto body = [&](OpContext& ctx, const Tensor& in) {
    return add(ctx, in, matmul(ctx, rms_norm(ctx, in, w, 1e-5f), f32_view(m)));
  };
  Tensor grads[2];
  for (const int i : {0, 1}) {
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = ComputeMode::kPrecise};
    tape.require(x);
    const Tensor y = i == 0 ? body(ctx, x) : checkpoint(ctx, x, body);
    tape.add_grad(y, g.clone());
    tape.backward();
    grads[i] = tape.take_grad(x);
  }
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(grads[0].data()[i], grads[1].data()[i]);
}

TEST(Embedding, DecodesRows) {
  Rng rng(21);
  const Stored table = store(rng, FormatId::kQ4_0, 10, 64);
  OpContext ctx;
  const std::vector<int32_t> ids = {3, 0, 9, 3};
  const Tensor y = embedding(ctx, table.view, ids, 2.0f);
  for (size_t t = 0; t < 4; ++t)
    for (size_t c = 0; c < 64; ++c)
      EXPECT_EQ(y.row(t)[c], 2.0f * table.values[static_cast<size_t>(ids[t]) * 64 + c]);
}

}  // namespace
}  // namespace hone
