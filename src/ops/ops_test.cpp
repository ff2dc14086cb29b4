// Every op's backward against finite differences.
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
#include "ops/testing.h"

namespace hone {
namespace {

using namespace testing;

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

Tensor rows_of(const Tensor& x, size_t first, size_t n) {
  Tensor y = Tensor::empty({n, x.cols()});
  std::copy_n(x.row(first), y.size(), y.data());
  return y;
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
        const Tensor tail_q = rows_of(q, past, rows), tail_kv = Tensor::zeros({rows, 2 * d});
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
      for (const size_t past : {1950u, 2296u, 2298u}) {
        const size_t rows = 2299 - past;
        const Tensor tail_q = rows_of(q, past, rows), tail_kv = Tensor::zeros({rows, d});
        const std::vector<AttentionSegment> tail = {{0, rows, &cache, 2299}};
        EXPECT_LT(relative_error(attention(ctx, tail_q, tail_kv, tail_kv, shape, tail), expected, past),
                  tolerance)
            << window << " " << rows << " rows";
      }
    }
  }
}

// Threads share a row's keys: neither other rows nor the keys behind a row's own change a bit of it.
TEST(Attention, FewRowsOfACacheAreWhatTheyAreAlone) {
  Rng rng(22);
  const size_t d = 32, n = 300;
  OpContext ctx{.steady = true};
  for (const size_t n_kv : {2u, 1u})
    for (const KvFormat format : {KvFormat::kF32, KvFormat::kF16, KvFormat::kQ8_0})
      for (const size_t window : {0u, 100u}) {
        const Tensor q = random_tensor(rng, {n, 6 * d}), k = random_tensor(rng, {n, n_kv * d}),
                     v = random_tensor(rng, {n, n_kv * d});
        const AttentionShape shape{6, n_kv, d, 0.7f, window};
        KvLayer cache(n_kv, d, n, format);
        cache.write(0, n, k.data(), v.data());
        const auto attend = [&](size_t first, size_t rows) {
          const Tensor none = Tensor::zeros({rows, n_kv * d});
          const std::vector<AttentionSegment> segments = {{0, rows, &cache, first + rows}};
          return attention(ctx, rows_of(q, first, rows), none, none, shape, segments);
        };
        for (const size_t past : {size_t{1}, size_t{60}, size_t{125}, size_t{190}, n - kSteadyRows}) {
          const Tensor together = attend(past, kSteadyRows);
          for (size_t r = 0; r < kSteadyRows; ++r) {
            const Tensor alone = attend(past + r, 1);
            for (size_t i = 0; i < alone.size(); ++i)
              ASSERT_EQ(alone.data()[i], together.row(r)[i]) << "row " << past + r << " window " << window;
          }
        }
      }
}

TEST(Attention, KeysThatDoNotCountAddNothing) {
  Rng rng(23);
  const size_t d = 16, n = 100, out_of_sight = 64;
  Tensor q = random_tensor(rng, {1, d}), k = random_tensor(rng, {n, d});
  const Tensor v = random_tensor(rng, {n, d}), none = Tensor::zeros({1, d});
  q.row(0)[3] = 1;
  for (size_t i = 0; i < out_of_sight; ++i) k.row(i)[3] = -INFINITY;
  KvLayer cache(1, d, n, KvFormat::kF32);
  cache.write(0, n, k.data(), v.data());
  const std::vector<AttentionSegment> segments = {{0, 1, &cache, n}};
  OpContext ctx;
  const Tensor y = attention(ctx, q, none, none, {1, 1, d, 0.5f, 0}, segments);
  const Tensor expected = attention(ctx, q, none, none, {1, 1, d, 0.5f, n - out_of_sight}, segments);
  for (size_t i = 0; i < d; ++i) EXPECT_FLOAT_EQ(y.row(0)[i], expected.row(0)[i]);
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
// Drawn gradients are close, off by chance alone, and the same every time.
TEST(CrossEntropy, TrainingIsClose) {
  Rng rng(24);
  for (const FormatId id : {FormatId::kF16, FormatId::kQ8_0})
    for (const size_t rows : {20u, 265u, 300u, 515u, 1300u}) {
      const size_t vocab = rows == 1300 || rows == 20 ? 1501 : 1504, width = 64;
      // What all of the vocabulary has in common: gradients that do not add up to nothing would show it.
      const Stored head = store(rng, id, vocab, width, 1.0, 4.0f);
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
      const double most = active_kernels().bf16_outruns_int8 ? 0.08 : 0.0145;
      EXPECT_LT(std::sqrt(error / size), most) << format_of(id).name << " rows=" << rows;
      // Rows are off by chance, not all in one direction.
      EXPECT_LE(common, 12 * error) << format_of(id).name << " rows=" << rows;
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
