#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "eval/evaluate.h"
#include "eval/evaluator.h"
#include "runtime/testing.h"

namespace hone {
namespace {

std::vector<DocumentScore> documents(size_t n, double mean, double spread, uint64_t seed) {
  Rng rng(seed);
  std::vector<DocumentScore> out(n);
  for (DocumentScore& d : out) {
    d.count = 20;
    d.sum = d.count * (mean + spread * rng.normal());
  }
  return out;
}

TEST(Bootstrap, MeanAndStandardErrorOfEqualDocuments) {
  const auto docs = documents(400, 2.0, 0.5, 1);
  double sum = 0, squares = 0;
  for (const DocumentScore& d : docs) sum += d.sum / d.count;
  const double mean = sum / 400;
  for (const DocumentScore& d : docs) squares += (d.sum / d.count - mean) * (d.sum / d.count - mean);
  const double standard_error = std::sqrt(squares / 400) / 20;
  const Estimate e = bootstrap_mean(docs);
  EXPECT_NEAR(e.value, mean, 1e-12);
  EXPECT_NEAR(e.stderr_, standard_error, 0.06 * standard_error);  // 2000 resamples: 1.6 % is one sigma
  EXPECT_NEAR(e.low, mean - 1.96 * standard_error, 0.3 * standard_error);
  EXPECT_NEAR(e.high, mean + 1.96 * standard_error, 0.3 * standard_error);
  EXPECT_EQ(e.n, 8000u);
  EXPECT_EQ(bootstrap_mean(docs).low, e.low);
  EXPECT_NE(bootstrap_mean(docs, 43).low, e.low);
  const Estimate ppl = bootstrap_perplexity(docs);
  EXPECT_DOUBLE_EQ(ppl.value, std::exp(e.value));
  EXPECT_NEAR(ppl.low, std::exp(e.low), 1e-4);
  EXPECT_NEAR(ppl.stderr_, ppl.value * e.stderr_, 0.02 * ppl.stderr_);
}

TEST(Bootstrap, DifferencesArePaired) {
  const auto a = documents(100, 2.0, 0.5, 1);
  auto b = a;
  for (DocumentScore& d : b) d.sum += 0.1 * d.count;  // the same for every document: no doubt is left
  const Estimate mean = mean_difference(a, b);
  EXPECT_NEAR(mean.value, 0.1, 1e-12);
  EXPECT_NEAR(mean.high - mean.low, 0, 1e-12);
  const Estimate ppl = perplexity_difference(a, b);
  EXPECT_NEAR(ppl.value, bootstrap_perplexity(b).value - bootstrap_perplexity(a).value, 1e-12);
  EXPECT_NEAR(ppl.low, (std::exp(0.1) - 1) * bootstrap_perplexity(a).low, 1e-9);  // the same draws
  EXPECT_LT(ppl.low, ppl.value);
}

TEST(Bootstrap, RatioOfSumsWeighsByCount) {
  const std::vector<DocumentScore> docs = {{10, 10}, {0, 30}, {0, 0}};
  const Estimate e = bootstrap_mean(docs);
  EXPECT_DOUBLE_EQ(e.value, 0.25);
  EXPECT_EQ(e.n, 40u);
  EXPECT_GE(e.low, 0.0);
  EXPECT_LE(e.high, 1.0);
  EXPECT_EQ(bootstrap_mean({}).n, 0u);
  EXPECT_EQ(bootstrap_mean({{0, 0}}).value, 0.0);
}

TEST(Bootstrap, GainKeptIsPaired) {
  const auto base = documents(200, 3.0, 0.5, 1);
  auto tuned = base, candidate = base;
  for (size_t i = 0; i < base.size(); ++i) {
    tuned[i].sum -= 10;  // 0.5 a token
    candidate[i].sum -= 9;
  }
  const auto kept = gain_kept(base, tuned, candidate);
  ASSERT_TRUE(kept.has_value());
  EXPECT_NEAR(kept->value, 0.9, 1e-12);
  EXPECT_NEAR(kept->stderr_, 0.0, 1e-9);  // the same documents: their spread cancels
  EXPECT_FALSE(gain_kept(base, base, candidate).has_value());
  EXPECT_FALSE(gain_kept(tuned, base, candidate).has_value());  // a loss is no gain
  auto noisy = documents(200, 2.99, 0.5, 2);                    // a difference far inside the noise
  EXPECT_FALSE(gain_kept(documents(200, 3.0, 0.5, 3), noisy, candidate).has_value());
  EXPECT_FALSE(gain_kept({{3, 1}}, {{2, 1}}, {{2, 1}}).has_value());
}

TEST(Perplexity, WindowsOfBothConventions) {
  const Tokenizer plain(tiny_tokenizer()), with_bos(tiny_tokenizer(true));
  std::string text;
  for (int i = 0; i < 50; ++i) text += static_cast<char>('A' + i % 20);
  const std::vector<TokenId> tokens = plain.encode(text, {.add_special = false, .parse_special = false});
  ASSERT_EQ(tokens.size(), 50u);

  const auto paper = perplexity_items(plain, text, PerplexityConvention::kPaper, 16);
  ASSERT_EQ(paper.size(), 3u);
  for (size_t w = 0; w < 3; ++w) {
    EXPECT_EQ(paper[w].document, w);
    for (size_t t = 0; t < 16; ++t) {
      EXPECT_EQ(paper[w].batch.tokens[t], tokens[w * 16 + t]);
      EXPECT_EQ(paper[w].targets[t], t < 15 ? tokens[w * 16 + t + 1] : -1);
    }
  }
  const auto llama = perplexity_items(with_bos, text, PerplexityConvention::kLlamaCpp, 17, 2);
  ASSERT_EQ(llama.size(), 2u);
  std::vector<TokenId> shifted = tokens;
  shifted.insert(shifted.begin(), 0);
  for (size_t w = 0; w < 2; ++w)
    for (size_t t = 0; t < 17; ++t) {
      EXPECT_EQ(llama[w].batch.tokens[t], t == 0 ? 0 : shifted[w * 17 + t]);
      EXPECT_EQ(llama[w].batch.positions[t], static_cast<int32_t>(t));
      EXPECT_EQ(llama[w].targets[t], t >= 8 && t < 16 ? shifted[w * 17 + t + 1] : -1);
    }
  // Text that looks like a control token is text.
  const auto items = perplexity_items(plain, "<|im_end|><|im_end|>", PerplexityConvention::kPaper, 8);
  for (const TokenId id : items[0].batch.tokens) EXPECT_GT(id, 2);
  EXPECT_ANY_THROW(perplexity_items(plain, text, PerplexityConvention::kPaper, 51));
  EXPECT_ANY_THROW(perplexity_items(plain, text, PerplexityConvention::kPaper, 1));
}

TEST(Evaluators, TheListIsWhole) {
  EXPECT_EQ(all_evaluators().size(), 8u);
  for (const Evaluator* e : all_evaluators()) EXPECT_EQ(find_evaluator(e->name), e);
  EXPECT_TRUE(find_evaluator("kl")->needs_reference);
  EXPECT_TRUE(find_evaluator("top1_agreement")->higher_is_better);
  EXPECT_EQ(find_evaluator("?"), nullptr);
}

}  // namespace
}  // namespace hone
