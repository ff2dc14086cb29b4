#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"
#include "data/check.h"
#include "data/dataset.h"
#include "data/test_support.h"

namespace hone {
namespace {

std::vector<Sample> random_samples(size_t n, size_t longest, uint64_t seed) {
  Rng rng(seed);
  std::vector<Sample> samples(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t length = 1 + rng.below(longest);
    for (size_t t = 0; t < length; ++t) {
      samples[i].tokens.push_back(static_cast<TokenId>(rng.below(1000)));
      samples[i].supervised.push_back(static_cast<uint8_t>(rng.below(2)));
    }
    samples[i].line = i + 1;
  }
  return samples;
}

TEST(Pack, EverySampleOnceAndWhole) {
  const std::vector<Sample> samples = random_samples(200, 60, 3);
  std::vector<size_t> order(samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng(5).shuffle(order);
  const auto batches = pack(samples, order, 100);
  std::vector<int> seen(samples.size(), 0);
  size_t total = 0, rows_tokens = 0;
  for (const PackedBatch& b : batches) {
    ASSERT_LE(b.batch.tokens.size(), 100u);
    ASSERT_EQ(b.batch.sequences.size(), b.samples.size());
    ASSERT_EQ(b.targets.size(), b.batch.tokens.size());
    size_t begin = 0, targets = 0;
    for (size_t s = 0; s < b.samples.size(); ++s) {
      const Sample& sample = samples[b.samples[s]];
      ++seen[b.samples[s]];
      ASSERT_EQ(b.batch.sequences[s].begin, begin);
      ASSERT_EQ(b.batch.sequences[s].length, sample.tokens.size());
      for (size_t t = 0; t < sample.tokens.size(); ++t) {
        EXPECT_EQ(b.batch.tokens[begin + t], sample.tokens[t]);
        EXPECT_EQ(b.batch.positions[begin + t], static_cast<int32_t>(t));
        const bool last = t + 1 == sample.tokens.size();
        const int32_t expected = !last && sample.supervised[t + 1] != 0 ? sample.tokens[t + 1] : -1;
        EXPECT_EQ(b.targets[begin + t], expected);
        targets += expected >= 0 ? 1 : 0;
      }
      begin += sample.tokens.size();
    }
    EXPECT_EQ(begin, b.batch.tokens.size());
    EXPECT_EQ(b.n_targets, targets);
    total += begin;
    rows_tokens += 100;
  }
  EXPECT_EQ(seen, std::vector<int>(samples.size(), 1));
  EXPECT_GT(static_cast<double>(total) / static_cast<double>(rows_tokens), 0.95);  // well filled
}

TEST(Pack, BestFitAndOrder) {
  std::vector<Sample> samples(5);
  const std::vector<size_t> lengths = {3, 6, 7, 4, 2};
  for (size_t i = 0; i < 5; ++i) {
    samples[i].tokens.assign(lengths[i], static_cast<TokenId>(i));
    samples[i].supervised.assign(lengths[i], 1);
  }
  const std::vector<size_t> order = {4, 3, 2, 1, 0};
  const auto batches = pack(samples, order, 10);
  // By length 7, 6, 4, 3, 2: {7, 3}, {6, 4}, {2}; rows in the order of their first sample.
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].samples, (std::vector<size_t>{4}));
  EXPECT_EQ(batches[1].samples, (std::vector<size_t>{3, 1}));
  EXPECT_EQ(batches[2].samples, (std::vector<size_t>{2, 0}));
  const std::vector<size_t> part = {1};
  EXPECT_EQ(pack(samples, part, 6).size(), 1u);
  const std::string message = error_of(ErrorCode::kInvalidArgument, [&] { pack(samples, part, 5); });
  EXPECT_NE(message.find("has 6 tokens"), std::string::npos) << message;
  EXPECT_TRUE(pack(samples, {}, 5).empty());
}

TEST(Pack, SingleBatch) {
  Sample sample;
  sample.tokens = {5, 6, 7, 8};
  sample.supervised = {0, 0, 1, 1};
  const PackedBatch batch = single_batch(sample);
  EXPECT_EQ(batch.targets, (std::vector<int32_t>{-1, 7, 8, -1}));
  EXPECT_EQ(batch.n_targets, 2u);
}

ChatRecord chat(size_t line, const std::string& question, const std::string& answer) {
  return {{{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}}, line};
}

TEST(Check, DuplicatesAndLengths) {
  const std::vector<ChatRecord> chats = {chat(1, "What is it?", "This."), chat(2, "what IS it", "this"),
                                         chat(3, "What is it?", "This."), chat(4, "What is it?", "That.")};
  const DataCheck check = check_chats(chats, random_samples(3, 9, 1));
  EXPECT_EQ(check.n_chats, 4u);
  EXPECT_EQ(check.n_messages, 8u);
  EXPECT_EQ(check.exact_duplicates, 1u);
  EXPECT_EQ(check.near_duplicates, 1u);
  EXPECT_EQ(check.duplicate_lines, (std::vector<std::pair<size_t, size_t>>{{2, 1}, {3, 1}}));
  EXPECT_EQ(check.tokens.n, 3u);
  std::vector<size_t> lengths(100);
  std::iota(lengths.begin(), lengths.end(), size_t{1});
  const LengthStats stats = length_stats(lengths);
  EXPECT_EQ(stats.p50, 50u);
  EXPECT_EQ(stats.p90, 90u);
  EXPECT_EQ(stats.p99, 99u);
  EXPECT_EQ(stats.max, 100u);
  EXPECT_DOUBLE_EQ(stats.mean, 50.5);
}

TEST(Check, NormalizedWords) {
  EXPECT_EQ(normalized("  It's  U.S.-made:\n\tCAFÉ — \"x\" - 3.5% "), "its usmade cafÉ — x 35");
  EXPECT_EQ(normalized(" - ?! "), "");
}

}  // namespace
}  // namespace hone
