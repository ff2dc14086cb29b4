// Speculative decoding changes the time, never the text: greedy token by token, sampled in distribution.
#include "runtime/draft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "runtime/generate.h"
#include "runtime/testing.h"

namespace hone {
namespace {

using Distribution = std::vector<TokenProbability>;

// Sum of (observed - expected)^2 / expected.
double chi_square(const std::map<TokenId, double>& counts, const Distribution& p, double n) {
  double sum = 0;
  for (const TokenProbability& token : p) {
    const auto found = counts.find(token.id);
    const double observed = found == counts.end() ? 0 : found->second;
    sum += (observed - n * token.p) * (observed - n * token.p) / (n * token.p);
  }
  return sum;
}

TEST(CheckDraft, TokensFollowTheModelWhateverTheDraft) {
  const Distribution p = {{4, 0.5}, {1, 0.3}, {0, 0.15}, {7, 0.05}};
  const std::vector<Distribution> drafts = {
      {{4, 1.0}}, {{7, 1.0}}, {{9, 1.0}}, {{1, 0.7}, {4, 0.2}, {9, 0.1}}, p};
  constexpr double kDraws = 40000, kChiSquare = 25;  // three degrees of freedom: passes but once in 65,000
  for (const Distribution& q : drafts) {
    Rng rng(5);
    std::map<TokenId, double> counts;
    double accepted = 0, overlap = 0;
    for (int i = 0; i < kDraws; ++i) {
      const DraftChoice choice = check_draft(p, {draw(q, rng), q}, rng);
      counts[choice.id] += 1;
      accepted += choice.accepted ? 1 : 0;
    }
    EXPECT_EQ(counts.count(9), 0u);
    EXPECT_LT(chi_square(counts, p, kDraws), kChiSquare);
    // Leviathan et al., corollary 3.6: a guess is right with probability sum min(p, q).
    for (const TokenProbability& token : p)
      for (const TokenProbability& other : q)
        if (token.id == other.id) overlap += std::min(token.p, other.p);
    EXPECT_NEAR(accepted / kDraws, overlap, 0.015);
  }
}

TEST(LookupDraft, ProposesWhatFollowedTheLongestAgreement) {
  const std::unique_ptr<Draft> draft = make_lookup_draft();
  Rng rng(1);
  const auto ids = [&](const std::vector<TokenId>& history, size_t n) {
    std::vector<TokenId> out;
    for (const DraftToken& guess : draft->propose(history, n, rng)) {
      out.push_back(guess.id);
      EXPECT_EQ(guess.drawn_from.size(), 1u);
    }
    return out;
  };
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(ids({1, 2, 3, 4, 5, 2, 3}, 3), (Ids{4, 5, 2}));
  EXPECT_EQ(ids({1, 2, 3, 4, 2, 3, 9, 2, 3}, 1), (Ids{9})) << "the latest of equals";
  EXPECT_EQ(ids({1, 2, 3, 4, 2, 3, 9, 1, 2, 3}, 1), (Ids{4})) << "the longest first";
  EXPECT_EQ(ids({1, 2, 3, 4}, 3), Ids{});
  EXPECT_EQ(ids({7}, 3), Ids{});
  EXPECT_EQ(ids({7, 7, 7, 7}, 3), Ids{7}) << "the text ends there";
}

// Guesses from a list, right or wrong.
class ScriptedDraft final : public Draft {
 public:
  explicit ScriptedDraft(std::vector<TokenId> text, size_t wrong_every)
      : text_(std::move(text)), wrong_every_(wrong_every) {}
  void begin(std::span<const TokenId> prompt, size_t) override { prompt_ = prompt.size(); }
  std::vector<DraftToken> propose(std::span<const TokenId> history, size_t n, Rng&) override {
    std::vector<DraftToken> out;
    for (size_t i = history.size() - prompt_; i < text_.size() && out.size() < n; ++i) {
      const TokenId id = ++made_ % wrong_every_ == 0 ? text_[i] ^ 1 : text_[i];
      out.push_back({id, {{id, 1.0}}});
    }
    return out;
  }

 private:
  std::vector<TokenId> text_;
  size_t wrong_every_, prompt_ = 0, made_ = 0;
};

class SpeculationTest : public testing::TestWithParam<const char*> {
 protected:
  SpeculationTest()
      : source_(make_tiny_llama(11, options_of(GetParam()))),
        model_(source_),
        tokenizer_(tiny_tokenizer()),
        prompt_(tokenizer_.encode("the user and you and the user and")) {
    options_.max_tokens = 30;
    options_.ignore_end = true;
    options_.sampling.temperature = 0.0f;
  }
  static TinyLlamaOptions options_of(const char* format) {
    return {.n_layers = 1, .n_embd = 128, .n_ff = 96, .format = format, .scale = 2.0f};
  }
  GenerateResult run(Draft* draft, size_t n = 4) {
    options_.draft = draft;
    options_.draft_tokens = n;
    return generate(model_, tokenizer_, prompt_, options_);
  }

  MemorySource source_;
  Model model_;
  Tokenizer tokenizer_;
  GenerateOptions options_;
  std::vector<TokenId> prompt_;
};

TEST_P(SpeculationTest, GreedyTextIsTheSame) {
  MemorySource other_source = make_tiny_llama(11, options_of("q4_0"));
  const Model other(other_source);
  for (const ComputeMode compute : {ComputeMode::kFast, ComputeMode::kPrecise}) {
    for (const KvFormat cache : {KvFormat::kF16, KvFormat::kQ8_0}) {
      options_.compute = compute;
      options_.cache_type = cache;
      const std::vector<TokenId> plain = run(nullptr).tokens;
      ASSERT_EQ(plain.size(), 30u);
      const std::unique_ptr<Draft> lookup = make_lookup_draft();
      const std::unique_ptr<Draft> smaller = make_model_draft(other, model_, options_.sampling);
      ScriptedDraft right(plain, 1000), half(plain, 3);
      for (Draft* draft : std::initializer_list<Draft*>{lookup.get(), smaller.get(), &right, &half})
        for (const size_t n : {size_t{2}, kMaxDraftTokens}) {
          const GenerateResult result = run(draft, n);
          EXPECT_EQ(result.tokens, plain) << "n=" << n;
          EXPECT_LE(result.accepted, result.drafted);
        }
      ScriptedDraft all(plain, 1000);
      const GenerateResult result = run(&all);
      EXPECT_EQ(result.accepted, result.drafted) << "a row's result depends on the others";
      EXPECT_EQ(result.accepted, 23u);  // four of every five tokens, three of the last four
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, SpeculationTest, testing::Values("f32", "f16", "q8_0", "q4_0"),
                         [](const auto& format) { return std::string(format.param); });

using SpeculationOptions = SpeculationTest;
INSTANTIATE_TEST_SUITE_P(One, SpeculationOptions, testing::Values("f32"));

TEST_P(SpeculationOptions, SampledTextHasTheSameDistribution) {
  MemorySource other_source = make_tiny_llama(12, options_of("f32"));
  const Model other(other_source);
  options_.sampling = {.temperature = 0.7f, .top_k = 4, .top_p = 1.0f, .min_p = 0.0f};
  options_.max_tokens = 3;
  const std::unique_ptr<Draft> draft = make_model_draft(other, model_, options_.sampling);
  constexpr int kRuns = 500;
  std::map<TokenId, double> counts[2];
  for (const bool with : {false, true})
    for (int i = 0; i < kRuns; ++i) {
      options_.sampling.seed = static_cast<uint64_t>(i) + (with ? 0 : 1000000);
      counts[with][run(with ? draft.get() : nullptr, 2).tokens[2]] += 1;
    }
  // Two samples: sum (a - b)^2 / (a + b) over the tokens, as many degrees of freedom.
  double sum = 0, n = 0;
  std::map<TokenId, double> all = counts[0];
  for (const auto& [id, count] : counts[1]) all[id] += count;
  for (const auto& [id, count] : all) {
    const double difference = counts[0][id] - counts[1][id];
    sum += difference * difference / count;
    n += 1;
  }
  EXPECT_GT(n, 4);
  EXPECT_LT(sum, n + 5 * std::sqrt(2 * n));
}

TEST_P(SpeculationOptions, EndsWhereItWouldWithout) {
  const GenerateResult plain = run(nullptr);
  ScriptedDraft right(plain.tokens, 1000);
  options_.stop = {plain.text.substr(10, 3)};
  const GenerateResult stopped = run(nullptr), guessed = run(&right);
  EXPECT_EQ(guessed.text, stopped.text);
  EXPECT_EQ(guessed.finish, stopped.finish);
  options_.stop.clear();
  options_.max_tokens = 1;
  EXPECT_EQ(run(&right).tokens.size(), 1u);
}

TEST_P(SpeculationOptions, BadOptionsAreErrors) {
  ScriptedDraft draft({}, 2);
  EXPECT_THROW(run(&draft, 0), Error);
  EXPECT_THROW(run(&draft, kMaxDraftTokens + 1), Error);
  const std::vector<std::vector<TokenId>> two = {prompt_, prompt_};
  options_.draft = &draft;
  options_.draft_tokens = 2;
  EXPECT_THROW(generate_all(model_, tokenizer_, two, options_), Error);
}

}  // namespace
}  // namespace hone
