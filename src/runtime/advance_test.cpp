#include "runtime/advance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "runtime/sampler.h"
#include "runtime/testing.h"

namespace hone {
namespace {

class AdvanceTest : public testing::Test {
 protected:
  // Heads of 32 dimensions, as q8_0 wants.
  AdvanceTest() : source_(make_tiny_llama(3, {.n_embd = 128, .scale = 2.0f})), model_(source_) {
    Rng rng(4);
    for (TokenId& id : text_) id = static_cast<TokenId>(rng.below(model_.config().n_vocab));
  }
  // Logits of every token, read in pieces.
  Tensor logits(KvFormat format, std::span<const size_t> pieces) const {
    KvCache cache(model_.config(), text_.size(), format);
    OpContext ctx{.compute = ComputeMode::kPrecise};
    Tensor out = Tensor::empty({text_.size(), model_.config().n_vocab});
    size_t done = 0;
    for (const size_t n : pieces) {
      const Feed feed{std::span(text_).subspan(done, n), &cache, n};
      const Tensor part = advance(model_, ctx, std::span(&feed, 1));
      std::copy_n(part.data(), part.size(), out.row(done));
      done += n;
    }
    EXPECT_EQ(done, text_.size());
    return out;
  }
  static double divergence(const Tensor& expected, const Tensor& got) {
    const SamplingOptions all{.temperature = 1.0f, .top_k = 0, .top_p = 1.0f, .min_p = 0.0f};
    double sum = 0;
    for (size_t t = 0; t < expected.rows(); ++t) {
      std::vector<double> q(expected.cols());
      for (const auto& token : sampling_distribution({got.row(t), got.cols()}, {}, all))
        q[static_cast<size_t>(token.id)] = token.p;
      for (const auto& token : sampling_distribution({expected.row(t), expected.cols()}, {}, all))
        sum += token.p * std::log(token.p / q[static_cast<size_t>(token.id)]);
    }
    return sum / static_cast<double>(expected.rows());
  }

  MemorySource source_;
  Model model_;
  std::vector<TokenId> text_ = std::vector<TokenId>(100);
};

TEST_F(AdvanceTest, EightBitCacheStaysCloseToHalfPrecision) {
  const size_t pieces[] = {20, 1, 1, 1, 7, 30, 1, 39};
  const Tensor f32 = logits(KvFormat::kF32, pieces);
  const double halves = divergence(f32, logits(KvFormat::kF16, pieces));
  const double bytes = divergence(f32, logits(KvFormat::kQ8_0, pieces));
  EXPECT_LT(halves, 1e-5);  // measured 2.3e-6
  EXPECT_LT(bytes, 4e-3);   // measured 0.0013
  EXPECT_GT(bytes, halves);
}

TEST_F(AdvanceTest, LogitsOfTheLastTokensOnly) {
  const size_t pieces[] = {100};
  const Tensor all = logits(KvFormat::kF32, pieces);
  KvCache one(model_.config(), 100, KvFormat::kF32), other(model_.config(), 100, KvFormat::kF32);
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Feed feeds[] = {{text_, &one, 2}, {std::span(text_).first(40), &other, 0}};
  const Tensor last = advance(model_, ctx, feeds);
  ASSERT_EQ(last.rows(), 2u);
  for (size_t i = 0; i < last.size(); ++i) ASSERT_NEAR(last.data()[i], all.row(98)[i], 1e-4);
  EXPECT_EQ(one.length(), 100u);
  EXPECT_EQ(other.length(), 40u);
}

// A copy of a beginning, in a cache of another size, goes on as the first does.
TEST_F(AdvanceTest, CopiedCachesGoOnAsTheirSource) {
  for (const KvFormat format : {KvFormat::kF32, KvFormat::kF16, KvFormat::kQ8_0}) {
    for (const size_t kept : {1u, 16u, 37u}) {
      KvCache first(model_.config(), 100, format), second(model_.config(), 70, format);
      OpContext ctx{.compute = ComputeMode::kPrecise};
      const Feed begin{std::span(text_).first(60), &first};
      advance(model_, ctx, std::span(&begin, 1));
      second.copy_from(first, kept);
      first.truncate(kept);
      ASSERT_EQ(second.length(), kept);
      const auto rest = std::span(text_).subspan(kept, 30);
      const Feed one{rest, &first, 30}, other{rest, &second, 30};
      const Tensor expected = advance(model_, ctx, std::span(&one, 1));
      const Tensor got = advance(model_, ctx, std::span(&other, 1));
      for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got.data()[i], expected.data()[i]) << kept;
    }
  }
}

// More tokens than one forward takes.
TEST_F(AdvanceTest, LongPromptsGoInSeveralForwards) {
  std::vector<std::vector<TokenId>> texts;
  std::vector<KvCache> caches;
  std::vector<Feed> feeds;
  for (size_t i = 0; i < 6; ++i) texts.emplace_back(200 + i, static_cast<TokenId>(3 + i));
  for (const auto& text : texts) caches.emplace_back(model_.config(), text.size(), KvFormat::kF32);
  for (size_t i = 0; i < texts.size(); ++i) feeds.push_back({texts[i], &caches[i]});
  OpContext ctx{.compute = ComputeMode::kPrecise};
  const Tensor together = advance(model_, ctx, feeds);
  for (size_t i = 0; i < texts.size(); ++i) {
    caches[i].truncate(0);
    const Tensor alone = advance(model_, ctx, std::span(feeds).subspan(i, 1));
    for (size_t v = 0; v < alone.cols(); ++v) ASSERT_NEAR(together.row(i)[v], alone.data()[v], 1e-4);
  }
}

}  // namespace
}  // namespace hone
