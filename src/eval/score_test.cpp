#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "eval/token_sums.h"
#include "runtime/testing.h"

namespace hone {
namespace {

// Chats of random tokens, some longer than a batch.
std::vector<ScoreItem> random_items(size_t n_vocab) {
  Rng rng(5);
  std::vector<ScoreItem> items;
  for (size_t i = 0; i < 14; ++i) {
    Sample sample;
    const size_t length = 2 + rng.below(200);
    for (size_t t = 0; t < length; ++t) {
      sample.tokens.push_back(static_cast<TokenId>(rng.below(n_vocab)));
      sample.supervised.push_back(t > 0 && rng.below(3) > 0 ? 1 : 0);
    }
    sample.supervised[1] = 1;
    PackedBatch batch = single_batch(sample);
    items.push_back({std::move(batch.batch), std::move(batch.targets), i / 2});  // two items a document
  }
  return items;
}

// Everything in double, item by item, from whole logits.
Scores plain_scores(const Model& model, const Model& reference, const std::vector<ScoreItem>& items) {
  Scores scores;
  for (auto* list : {&scores.nll, &scores.kl, &scores.top1}) list->resize(7);
  OpContext ctx{.tape = nullptr, .compute = ComputeMode::kPrecise, .observer = nullptr};
  for (const ScoreItem& item : items) {
    const Tensor own = model.logits(ctx, model.hidden(ctx, item.batch));
    const Tensor ref = reference.logits(ctx, reference.hidden(ctx, item.batch));
    for (size_t t = 0; t < item.targets.size(); ++t) {
      if (item.targets[t] < 0) continue;
      double z_own = 0, z_ref = 0, kl = 0;
      size_t top_own = 0, top_ref = 0;
      for (size_t v = 0; v < own.cols(); ++v) {
        z_own += std::exp(static_cast<double>(own.row(t)[v]));
        z_ref += std::exp(static_cast<double>(ref.row(t)[v]));
        if (own.row(t)[v] > own.row(t)[top_own]) top_own = v;
        if (ref.row(t)[v] > ref.row(t)[top_ref]) top_ref = v;
      }
      for (size_t v = 0; v < own.cols(); ++v) {
        const double p = std::exp(static_cast<double>(ref.row(t)[v])) / z_ref;
        kl += p * (std::log(p) - (static_cast<double>(own.row(t)[v]) - std::log(z_own)));
      }
      const double nll = std::log(z_own) - static_cast<double>(own.row(t)[item.targets[t]]);
      const auto add = [&](std::vector<DocumentScore>& list, double value) {
        list[item.document].sum += value;
        list[item.document].count += 1;
      };
      add(scores.nll, nll);
      add(scores.kl, kl);
      add(scores.top1, top_own == top_ref ? 1 : 0);
    }
  }
  return scores;
}

void expect_near(const std::vector<DocumentScore>& got, const std::vector<DocumentScore>& expected,
                 double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t d = 0; d < got.size(); ++d) {
    EXPECT_EQ(got[d].count, expected[d].count);
    EXPECT_NEAR(got[d].sum / got[d].count, expected[d].sum / expected[d].count, tolerance);
  }
}

class ScoreTest : public testing::Test {
 protected:
  ScoreTest()
      : first_source_(make_tiny_llama(1)),
        second_source_(make_tiny_llama(1, {.format = "q4_0"})),
        first_(first_source_),
        second_(second_source_),
        items_(random_items(first_.config().n_vocab)) {}
  MemorySource first_source_, second_source_;
  Model first_, second_;
  std::vector<ScoreItem> items_;
};

TEST_F(ScoreTest, EqualsThePlainComputation) {
  const auto scores =
      score({{&second_, ComputeMode::kPrecise}, {&first_, ComputeMode::kPrecise}}, &first_, items_, "test");
  ASSERT_EQ(scores.size(), 2u);
  const Scores expected = plain_scores(second_, first_, items_);
  expect_near(scores[0].nll, expected.nll, 1e-5);
  expect_near(scores[0].kl, expected.kl, 1e-6);
  expect_near(scores[0].top1, expected.top1, 0.0);
  EXPECT_GT(bootstrap_mean(scores[0].kl).value, 1e-4);  // q4_0 differs
  EXPECT_LT(bootstrap_mean(scores[0].top1).value, 1.0);
  EXPECT_EQ(bootstrap_mean(scores[1].kl).value, 0.0);  // the reference itself
  EXPECT_EQ(bootstrap_mean(scores[1].top1).value, 1.0);
}

TEST_F(ScoreTest, AloneGivesTheSameLoss) {
  const auto alone = score({{&second_, ComputeMode::kPrecise}}, nullptr, items_, "test");
  EXPECT_TRUE(alone[0].kl.empty());
  EXPECT_TRUE(alone[0].top1.empty());
  expect_near(alone[0].nll, plain_scores(second_, first_, items_).nll, 1e-5);
}

// Jensen-Shannon, the five most likely and the right token's probabilities, from whole rows in double.
void expect_plain(const TokenScore& token, const float* own, const float* ref, size_t vocab) {
  std::vector<double> p(vocab), q(vocab);
  double z_p = 0, z_q = 0, js = 0;
  for (size_t v = 0; v < vocab; ++v) {
    z_p += p[v] = std::exp(static_cast<double>(ref[v]));
    z_q += q[v] = std::exp(static_cast<double>(own[v]));
  }
  for (size_t v = 0; v < vocab; ++v) {
    p[v] /= z_p;
    q[v] /= z_q;
    const double m = (p[v] + q[v]) / 2;
    js += (p[v] * std::log(p[v] / m) + q[v] * std::log(q[v] / m)) / 2;
  }
  const auto top = [&](const float* row) {
    std::vector<size_t> order(vocab);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return row[a] > row[b]; });
    order.resize(5);
    return order;
  };
  const auto top_ref = top(ref), top_own = top(own);
  double shared = 0;
  for (const size_t v : top_ref) shared += std::count(top_own.begin(), top_own.end(), v) > 0 ? 1 : 0;
  EXPECT_NEAR(token.js, js, 1e-7);
  EXPECT_DOUBLE_EQ(token.top5, shared / 5);
  EXPECT_NEAR(token.reference_nll, -std::log(p[static_cast<size_t>(token.target)]), 1e-5);
  EXPECT_EQ(token.hit, top_own[0] == static_cast<size_t>(token.target));
  EXPECT_EQ(token.reference_hit, top_ref[0] == static_cast<size_t>(token.target));
  EXPECT_EQ(token.top1, top_own[0] == top_ref[0]);
}

TEST_F(ScoreTest, TheSinkGetsEveryToken) {
  TokenScores all{.tokens = {}, .n_documents = 7, .compared = true};
  const auto scores = score(
      {{&second_, ComputeMode::kPrecise}}, &first_, items_, "test",
      [&](size_t candidate, const TokenScore& token) {
        EXPECT_EQ(candidate, 0u);
        all.tokens.push_back(token);
      },
      true);
  OpContext ctx{.tape = nullptr, .compute = ComputeMode::kPrecise, .observer = nullptr};
  size_t at = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    const Tensor own = second_.logits(ctx, second_.hidden(ctx, items_[i].batch));
    const Tensor ref = first_.logits(ctx, first_.hidden(ctx, items_[i].batch));
    for (size_t t = 0; t < items_[i].targets.size(); ++t) {
      if (items_[i].targets[t] < 0) continue;
      ASSERT_LT(at, all.tokens.size());
      const TokenScore& token = all.tokens[at++];
      EXPECT_EQ(token.item, i);
      EXPECT_EQ(token.document, items_[i].document);
      EXPECT_EQ(token.position, t);
      EXPECT_EQ(token.target, items_[i].targets[t]);
      expect_plain(token, own.row(t), ref.row(t), own.cols());
    }
  }
  EXPECT_EQ(at, all.tokens.size());
  const auto nll = document_sums(all.tokens, 7, [](const TokenScore& t) { return t.nll; });
  const auto kl = document_sums(all.tokens, 7, [](const TokenScore& t) { return t.kl; });
  for (size_t d = 0; d < 7; ++d) {
    EXPECT_DOUBLE_EQ(nll[d].sum, scores[0].nll[d].sum);
    EXPECT_DOUBLE_EQ(kl[d].sum, scores[0].kl[d].sum);
  }
}

TEST_F(ScoreTest, TheSinkAloneGivesTheSameLoss) {
  std::vector<TokenScore> tokens;
  const auto with = score({{&second_, ComputeMode::kPrecise}}, nullptr, items_, "test",
                          [&](size_t, const TokenScore& token) { tokens.push_back(token); });
  const auto without = score({{&second_, ComputeMode::kPrecise}}, nullptr, items_, "test");
  expect_near(with[0].nll, without[0].nll, 1e-6);
  EXPECT_EQ(bootstrap_mean(with[0].nll).n, tokens.size());
}

TEST_F(ScoreTest, FastModeIsClose) {
  const auto fast = score({{&first_, ComputeMode::kFast}}, &first_, items_, "test");
  EXPECT_LT(bootstrap_mean(fast[0].kl).value, 1e-2);
  EXPECT_GT(bootstrap_mean(fast[0].top1).value, 0.9);
}

TEST_F(ScoreTest, ForeignTokensAreErrors) {
  items_[0].batch.tokens[0] = 100000;
  EXPECT_THROW(score({{&first_, ComputeMode::kPrecise}}, nullptr, items_, "test"), Error);
}

TEST_F(ScoreTest, TextsLongerThanTheContextAreErrors) {
  const size_t context = first_.config().context_length;
  const auto error_of = [&](size_t length) -> std::string {
    ScoreItem item;
    const std::vector<int32_t> tokens(length, 1);
    item.batch = TokenBatch::single(tokens);
    item.targets = tokens;
    try {
      score({{&first_, ComputeMode::kPrecise}}, nullptr, {item}, "test");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(error_of(context), "");
  EXPECT_NE(error_of(context + 1).find("expected at most the model's context of 256"), std::string::npos);
}

}  // namespace
}  // namespace hone
