#include "runtime/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "runtime/testing.h"

namespace hone {
namespace {

class GenerateTest : public testing::Test {
 protected:
  GenerateTest()
      : source_(make_tiny_llama(11, {.scale = 2.0f})), model_(source_), tokenizer_(tiny_tokenizer()) {
    options_.compute = ComputeMode::kPrecise;
    options_.max_tokens = 24;
    options_.ignore_end = true;
    options_.sampling.temperature = 0.0f;
    prompt_ = tokenizer_.encode("the user and you");
  }
  GenerateResult run(const std::function<bool(std::string_view)>& on_text = {}) {
    return generate(model_, tokenizer_, prompt_, options_, on_text);
  }
  // The last row of the logits of a whole sequence, without a cache.
  std::vector<float> plain_logits(const std::vector<TokenId>& tokens) const {
    OpContext ctx{.tape = nullptr, .compute = ComputeMode::kPrecise, .observer = nullptr};
    const Tensor hidden = model_.hidden(ctx, TokenBatch::single(tokens));
    const Tensor logits = model_.logits(ctx, hidden);
    const float* row = logits.row(logits.rows() - 1);
    return {row, row + logits.cols()};
  }

  MemorySource source_;
  Model model_;
  Tokenizer tokenizer_;
  GenerateOptions options_;
  std::vector<TokenId> prompt_;
};

TEST_F(GenerateTest, GreedyEqualsArgMaxWithoutCache) {
  const GenerateResult result = run();
  ASSERT_EQ(result.tokens.size(), 24u);
  EXPECT_EQ(result.finish, "length");
  EXPECT_EQ(result.prompt_tokens, prompt_.size());
  std::vector<TokenId> sequence = prompt_;
  for (const TokenId id : result.tokens) {
    const std::vector<float> logits = plain_logits(sequence);
    const float best = *std::max_element(logits.begin(), logits.end());
    EXPECT_GE(logits[static_cast<size_t>(id)], best - 1e-4f);
    sequence.push_back(id);
  }
}

TEST_F(GenerateTest, SeveralTextsEqualSingleOnes) {
  std::vector<std::vector<TokenId>> prompts = {
      prompt_, tokenizer_.encode("a"), {7}, std::vector<TokenId>(90, 5)};
  for (const float temperature : {0.0f, 1.2f}) {
    options_.sampling.temperature = temperature;
    options_.sampling.seed = 7;
    std::map<size_t, std::string> streamed;
    const auto together =
        generate_all(model_, tokenizer_, prompts, options_, [&](size_t i, std::string_view text) {
          streamed[i] += text;
          return true;
        });
    ASSERT_EQ(together.size(), prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      const GenerateResult alone = generate(model_, tokenizer_, prompts[i], options_);
      EXPECT_EQ(together[i].tokens, alone.tokens) << "prompt " << i;
      EXPECT_EQ(streamed[i], alone.text);
      ++options_.sampling.seed;
    }
  }
}

// Two at a time: the third begins when one of them ends; like beginnings are run once.
TEST_F(GenerateTest, TextsThatWaitAndShareBeginningsEqualSingleOnes) {
  std::vector<std::vector<TokenId>> prompts;
  for (const size_t shared : {0u, 40u, 40u, 70u, 70u, 3u}) {
    prompts.emplace_back(shared, 5);
    for (const TokenId id : {9, static_cast<TokenId>(6 + prompts.size())}) prompts.back().push_back(id);
  }
  options_.together = 2;
  options_.share_beginnings = true;
  std::vector<size_t> ended;
  options_.on_end = [&](size_t n) { ended.push_back(n); };
  const auto results = generate_all(model_, tokenizer_, prompts, options_);
  EXPECT_EQ(ended, (std::vector<size_t>{1, 2, 3, 4, 5, 6}));
  size_t reused = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(results[i].tokens, generate(model_, tokenizer_, prompts[i], options_).tokens) << "prompt " << i;
    reused += results[i].reused_tokens;
  }
  EXPECT_GE(reused, 40u + 40u + 70u + 70u);
}

TEST_F(GenerateTest, TextsTogetherEndOneByOne) {
  const std::vector<std::vector<TokenId>> prompts = {std::vector<TokenId>(250, 5), prompt_};
  const auto results = generate_all(model_, tokenizer_, prompts, options_);
  EXPECT_EQ(results[0].tokens.size(), 6u);  // the context's end
  EXPECT_EQ(results[1].tokens, run().tokens);
}

TEST_F(GenerateTest, SeedsDecideSampledText) {
  options_.sampling.temperature = 1.5f;
  const auto first = run().tokens;
  EXPECT_EQ(run().tokens, first);
  options_.sampling.seed = 43;
  EXPECT_NE(run().tokens, first);
}

TEST_F(GenerateTest, StreamsTheSameText) {
  options_.sampling.temperature = 1.2f;
  std::string streamed;
  const GenerateResult result = run([&](std::string_view text) {
    streamed += text;
    return true;
  });
  EXPECT_EQ(streamed, result.text);
  EXPECT_FALSE(streamed.empty());
}

TEST_F(GenerateTest, StopsAtStringsAndCallersWish) {
  options_.sampling.temperature = 1.2f;
  const std::string whole = run().text;
  // A stop string is compared with the model's bytes, so it is taken where these were ASCII, not replaced.
  size_t at = 1;
  while (at + 2 < whole.size() &&
         (static_cast<signed char>(whole[at]) < 0 || static_cast<signed char>(whole[at + 1]) < 0))
    ++at;
  ASSERT_LT(at + 2, whole.size());
  options_.stop = {whole.substr(at, 2)};
  const GenerateResult stopped = run();
  EXPECT_EQ(stopped.text, whole.substr(0, whole.find(options_.stop[0])));
  EXPECT_EQ(stopped.finish, "stop");
  options_.stop.clear();
  int calls = 0;
  const GenerateResult cut = run([&](std::string_view) { return ++calls < 2; });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(cut.finish, "stop");
}

TEST_F(GenerateTest, EndTokensEnd) {
  options_.ignore_end = false;
  options_.sampling.temperature = 3.0f;
  options_.sampling.top_k = 0;
  options_.sampling.top_p = 1.0f;
  options_.sampling.min_p = 0.0f;
  options_.max_tokens = 200;
  bool ended = false;
  for (uint64_t seed = 0; seed < 20 && !ended; ++seed) {
    options_.sampling.seed = seed;
    const GenerateResult result = run();
    EXPECT_TRUE(std::none_of(result.tokens.begin(), result.tokens.end(),
                             [&](TokenId id) { return tokenizer_.is_end_of_generation(id); }));
    ended = result.finish == "stop";
  }
  EXPECT_TRUE(ended);
}

TEST_F(GenerateTest, ContextIsTheLimit) {
  options_.max_tokens = 10000;
  prompt_.assign(250, 5);
  const GenerateResult result = run();
  EXPECT_EQ(result.tokens.size(), 6u);
  EXPECT_EQ(result.finish, "length");
  options_.max_tokens = 0;
  EXPECT_TRUE(run().tokens.empty());
}

TEST_F(GenerateTest, BadPromptsAreErrors) {
  for (const std::vector<TokenId>& prompt : {std::vector<TokenId>{}, std::vector<TokenId>(256, 5),
                                             std::vector<TokenId>{-1}, std::vector<TokenId>{9999}}) {
    prompt_ = prompt;
    EXPECT_THROW(run(), Error);
  }
}

TEST_F(GenerateTest, KeptTextRunsOnlyWhatIsNew) {
  KeptText kept{.cache = KvCache(model_.config(), 128, KvFormat::kF32), .tokens = {}};
  options_.kept = &kept;
  const GenerateResult first = run();
  EXPECT_EQ(first.reused_tokens, 0u);
  // The last token written was never asked about.
  EXPECT_EQ(kept.cache.length(), prompt_.size() + first.tokens.size() - 1);
  std::vector<TokenId> longer = prompt_;
  longer.insert(longer.end(), first.tokens.begin(), first.tokens.begin() + 10);
  longer.push_back(first.tokens[10] + 1);  // parts from what was kept
  longer.push_back(9);
  prompt_ = longer;
  const GenerateResult second = run();
  EXPECT_EQ(second.reused_tokens, longer.size() - 2);
  options_.kept = nullptr;
  EXPECT_EQ(run().tokens, second.tokens);
  // The same prompt again: its last token is run.
  options_.kept = &kept;
  const GenerateResult third = run();
  EXPECT_EQ(third.reused_tokens, longer.size() - 1);
  EXPECT_EQ(third.tokens, second.tokens);
}

TEST_F(GenerateTest, KeptTextEndsAtItsCapacityAndOutlivesAnException) {
  KeptText kept{.cache = KvCache(model_.config(), 16, KvFormat::kF32), .tokens = {}};
  options_.kept = &kept;
  const GenerateResult result = run();
  EXPECT_EQ(prompt_.size() + result.tokens.size(), 16u);
  EXPECT_EQ(result.finish, "length");
  size_t calls = 0;
  EXPECT_THROW(run([&](std::string_view) -> bool {
                 if (++calls == 3) throw std::runtime_error("stopped");
                 return true;
               }),
               std::runtime_error);
  EXPECT_GE(kept.tokens.size(), kept.cache.length());
  EXPECT_EQ(run().tokens, result.tokens);
  prompt_.assign(16, 5);
  EXPECT_THROW(run(), Error);
}

}  // namespace
}  // namespace hone
