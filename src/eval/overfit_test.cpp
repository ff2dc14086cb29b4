#include "eval/overfit.h"

#include <gtest/gtest.h>

#include <set>

#include "eval/neutral_chats.h"
#include "runtime/generate.h"
#include "runtime/testing.h"

namespace hone {
namespace {

// An answer of `length` tokens in item `item` from `position`; greedy choice writes the first `hits` of them.
void add_answer(TokenScores& scores, size_t item, size_t position, size_t length, size_t hits, double nll,
                double reference_nll) {
  for (size_t t = 0; t < length; ++t) {
    TokenScore& token = scores.tokens.emplace_back();
    token.item = token.document = item;
    token.position = position + t;
    token.hit = t < hits;
    token.nll = nll;
    token.reference_nll = reference_nll;
  }
  scores.n_documents = item + 1;
  scores.compared = true;
}

TEST(Memorised, ComparesBehindThePrefix) {
  TokenScores scores;
  add_answer(scores, 0, 5, 8, 8, 1, 1);  // all of it
  add_answer(scores, 1, 5, 7, 5, 1, 1);  // 2 given, 3 of 4 matched
  add_answer(scores, 2, 5, 5, 5, 1, 1);  // too short
  add_answer(scores, 3, 5, 5, 5, 1, 1);  // two answers of one chat: each too short
  add_answer(scores, 3, 20, 5, 5, 1, 1);
  const Memorised found = memorised(scores, false, {.prefix = 2, .length = 4});
  EXPECT_EQ(found.n_answers, 2u);
  EXPECT_DOUBLE_EQ(found.verbatim.value, 0.5);
  EXPECT_DOUBLE_EQ(found.matched.value, (1 + 0.75) / 2);
  EXPECT_EQ(found.items, std::vector<size_t>{0});
  EXPECT_EQ(memorised(scores, true, {.prefix = 2, .length = 4}).verbatim.value,
            0);  // the reference hits none
  // What is given need not be what greedy choice would write.
  for (size_t t = 0; t < 2; ++t) scores.tokens[t].hit = false;
  EXPECT_DOUBLE_EQ(memorised(scores, false, {.prefix = 2, .length = 4}).verbatim.value, 0.5);
  EXPECT_EQ(memorised(scores, false, {.prefix = 2, .length = 40}).n_answers, 0u);
}

// What the tokens' scores say is what generating from the prefix writes.
TEST(Memorised, EqualsGreedyGeneration) {
  MemorySource source = make_tiny_llama(3);
  const Model model(source);
  const Tokenizer tokenizer(tiny_tokenizer());
  const std::vector<TokenId> beginning = tokenizer.encode("a prompt, and the answer's prefix", {});
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = 12;
  options.ignore_end = true;
  options.compute = ComputeMode::kPrecise;
  const std::vector<TokenId> written = generate(model, tokenizer, beginning, options).tokens;
  ASSERT_EQ(written.size(), 12u);
  std::vector<ScoreItem> items;
  for (size_t same = 0; same <= 12; ++same) {  // the answer leaves what is written after `same` tokens
    Sample sample;
    sample.tokens = beginning;
    sample.tokens.insert(sample.tokens.end(), written.begin(), written.end());
    if (same < 12) {
      TokenId& token = sample.tokens[beginning.size() + same];
      token = token == 10 ? 11 : 10;
    }
    sample.supervised.assign(sample.tokens.size(), 0);
    for (size_t t = beginning.size() - 3; t < sample.tokens.size(); ++t) sample.supervised[t] = 1;
    PackedBatch batch = single_batch(sample);
    items.push_back({std::move(batch.batch), std::move(batch.targets), same});
  }
  TokenScores scores{.tokens = {}, .n_documents = items.size(), .compared = false};
  score({{&model, ComputeMode::kPrecise}}, nullptr, items, "test",
        [&](size_t, const TokenScore& token) { scores.tokens.push_back(token); });
  const Memorised found = memorised(scores, false, {.prefix = 3, .length = 12});
  EXPECT_EQ(found.n_answers, 13u);
  EXPECT_EQ(found.items, std::vector<size_t>{12});
  EXPECT_DOUBLE_EQ(found.matched.value, (0 + 12) / 2.0 / 12);  // the mean of 0, 1, …, 12 of 12
}

TEST(OverfitTest, GapsOfModelAndBase) {
  TokenScores train, held_out;
  for (size_t i = 0; i < 6; ++i) {
    const double easy = 0.125 * static_cast<double>(i);
    add_answer(train, i, 3, 10, 10, 1 + easy, 2.5 + easy);
    add_answer(held_out, i, 3, 10, 0, 2 + easy, 2.75 + easy);
  }
  const Overfit found = overfit(train, held_out, {.prefix = 2, .length = 4});
  EXPECT_DOUBLE_EQ(found.model.loss.train.value, 1.3125);
  EXPECT_DOUBLE_EQ(found.model.loss.gap.value, 1);
  ASSERT_TRUE(found.base && found.widening);
  EXPECT_DOUBLE_EQ(found.base->loss.gap.value, 0.25);
  EXPECT_DOUBLE_EQ(found.widening->value, 0.75);
  // Documents differ, so that a gap is uncertain; but all changed by the same, so that the widening is not.
  EXPECT_GT(found.model.loss.gap.stderr_, 0.05);
  EXPECT_NEAR(found.widening->stderr_, 0, 1e-12);
  EXPECT_EQ(found.model.train.verbatim.value, 1);
  EXPECT_EQ(found.model.held_out.verbatim.value, 0);
  train.compared = held_out.compared = false;
  EXPECT_FALSE(overfit(train, held_out).base);
}

TEST(NeutralChats, FortyDifferentOnes) {
  std::set<std::string> questions;
  for (const ChatRecord& chat : neutral_chats()) {
    ASSERT_EQ(chat.messages.size(), 2u);
    EXPECT_EQ(chat.messages[0]["role"], "user");
    EXPECT_EQ(chat.messages[1]["role"], "assistant");
    questions.insert(chat.messages[0]["content"].get<std::string>());
  }
  EXPECT_EQ(questions.size(), 40u);
}

}  // namespace
}  // namespace hone
