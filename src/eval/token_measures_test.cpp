// Measures made of the tokens' scores, on a few made by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "eval/divergence.h"
#include "eval/rare_tokens.h"
#include "runtime/testing.h"

namespace hone {
namespace {

TokenScore token(size_t document, int32_t target, double nll, double reference_nll = 0, double kl = 0) {
  TokenScore out;
  out.document = document;
  out.target = target;
  out.nll = nll;
  out.reference_nll = reference_nll;
  out.kl = kl;
  return out;
}

TEST(RareTokens, BucketsByPowersOfTen) {
  TokenCounts counts{.of = {0, 1, 9, 10, 99, 100, 1000}, .total = 1219};
  TokenScores scores{.tokens = {}, .n_documents = 2, .compared = true};
  for (int32_t id = 0; id < 8; ++id)  // 7 is beyond what was counted: it never occurs
    scores.tokens.push_back(token(static_cast<size_t>(id % 2), id, id + 1.0, id + 0.5, 0.25 * id));
  const auto buckets = by_frequency(scores, counts);
  ASSERT_EQ(buckets.size(), 5u);
  const auto expect = [&](size_t i, uint64_t low, uint64_t high, size_t n, double loss, double kl) {
    EXPECT_EQ(buckets[i].low, low);
    EXPECT_EQ(buckets[i].high, high);
    EXPECT_EQ(buckets[i].n, n);
    EXPECT_DOUBLE_EQ(buckets[i].share, static_cast<double>(n) / 8);
    EXPECT_DOUBLE_EQ(buckets[i].loss.value, loss);
    ASSERT_TRUE(buckets[i].compared);
    EXPECT_DOUBLE_EQ(buckets[i].compared->reference_loss.value, loss - 0.5);
    EXPECT_DOUBLE_EQ(buckets[i].compared->difference.value, 0.5);
    EXPECT_NEAR(buckets[i].compared->difference.stderr_, 0, 1e-12);  // the same for every token
    EXPECT_DOUBLE_EQ(buckets[i].compared->kl.value, kl);
  };
  expect(0, 0, 0, 2, 4.5, 0.875);
  expect(1, 1, 9, 2, 2.5, 0.375);
  expect(2, 10, 99, 2, 4.5, 0.875);
  expect(3, 100, 999, 1, 6, 1.25);
  expect(4, 1000, 9999, 1, 7, 1.5);
  scores.compared = false;
  EXPECT_FALSE(by_frequency(scores, counts)[0].compared);
}

TEST(RareTokens, CountsTextAndAnswers) {
  const Tokenizer tokenizer(tiny_tokenizer());
  const TokenCounts text = count_tokens(tokenizer, "zz<|im_end|>z");  // a control token's text is text
  EXPECT_EQ(text.total, 13u);
  EXPECT_EQ(text.of[static_cast<size_t>(tokenizer.encode("z", {})[0])], 3u);
  EXPECT_THROW(count_tokens(tokenizer, std::string()), Error);
  Dataset chats;
  chats.samples.push_back(
      {.tokens = {5, 6, 6, 7}, .supervised = {0, 0, 1, 1}, .line = 1, .truncated = false});
  const TokenCounts answers = count_tokens(tokenizer, chats);
  EXPECT_EQ(answers.total, 2u);
  EXPECT_EQ(answers.of[5], 0u);
  EXPECT_EQ(answers.of[6], 1u);
}

TEST(DivergenceTest, PercentilesAndChangesOfP) {
  TokenScores scores{.tokens = {}, .n_documents = 3, .compared = true};
  for (int i = 0; i <= 100; ++i)
    scores.tokens.push_back(
        token(static_cast<size_t>(i % 3), 0, -std::log(0.5), -std::log(i % 2 ? 0.25 : 0.625), 100 - i));
  const Divergence d = divergence(scores);
  EXPECT_DOUBLE_EQ(d.kl_median, 50);
  EXPECT_DOUBLE_EQ(d.kl_p90, 90);
  EXPECT_DOUBLE_EQ(d.kl_p99, 99);
  EXPECT_DOUBLE_EQ(d.kl_max, 100);
  EXPECT_NEAR(d.delta_p.value, (50 * 0.25 - 51 * 0.125) / 101, 1e-12);
  EXPECT_NEAR(d.delta_p_rms.value, std::sqrt((50 * 0.0625 + 51 * 0.015625) / 101), 1e-12);
  EXPECT_LE(d.delta_p_rms.low, d.delta_p_rms.value);
}

TEST(BitsPerByte, CountsTheTargetsText) {
  const Tokenizer tokenizer(tiny_tokenizer());
  const std::vector<TokenId> tokens = tokenizer.encode("the end", {});
  ScoreItem item;
  item.batch = TokenBatch::single(tokens);
  item.targets.assign(tokens.size(), -1);
  for (size_t t = 0; t + 1 < tokens.size(); ++t) item.targets[t] = tokens[t + 1];
  const auto bits = bits_by_byte({{std::log(2.0) * 12, 3}}, {item}, tokenizer);
  EXPECT_DOUBLE_EQ(bits[0].sum, 12);
  EXPECT_EQ(bits[0].count, 7.0 - static_cast<double>(tokenizer.token_bytes(tokens[0]).size()));
}

}  // namespace
}  // namespace hone
