#include "eval/likelihood.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/progress.h"
#include "base/rng.h"
#include "runtime/testing.h"

namespace hone {
namespace {

using Tokens = std::vector<TokenId>;

// From whole logits, with nothing shared.
Likelihood plain(const Model& model, const Tokens& context, const Tokens& continuation) {
  Tokens all = context;
  all.insert(all.end(), continuation.begin(), continuation.end());
  OpContext ctx{.tape = nullptr, .compute = ComputeMode::kPrecise, .observer = nullptr};
  const Tensor logits = model.logits(ctx, model.hidden(ctx, TokenBatch::single(all)));
  Likelihood result;
  for (size_t t = context.size(); t < all.size(); ++t) {
    const float* row = logits.row(t - 1);
    double z = 0;
    for (size_t v = 0; v < logits.cols(); ++v) z += std::exp(static_cast<double>(row[v]));
    result.sum += static_cast<double>(row[all[t]]) - std::log(z);
    result.greedy = result.greedy && std::max_element(row, row + logits.cols()) == row + all[t];
    ++result.n_tokens;
  }
  return result;
}

// Continuations that go on where an earlier one of theirs stopped, or leave it at any token.
LikelihoodItem random_item(size_t n_vocab, Rng& rng) {
  const auto random_tokens = [&](size_t n) {
    Tokens tokens(n);
    for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(n_vocab));
    return tokens;
  };
  LikelihoodItem item{.context = random_tokens(1 + rng.below(12)), .continuations = {}};
  const size_t n = 1 + rng.below(5);
  for (size_t j = 0; j < n; ++j) {
    Tokens c;
    if (j > 0) {
      const Tokens& before = item.continuations[rng.below(j)];
      c.assign(before.begin(), before.begin() + static_cast<long>(rng.below(before.size() + 1)));
    }
    const Tokens more = random_tokens(rng.below(6));
    c.insert(c.end(), more.begin(), more.end());
    if (c.empty()) c = random_tokens(1);
    item.continuations.push_back(c);
  }
  return item;
}

TEST(Likelihood, SharedBeginningsChangeNothing) {
  Progress::set_quiet(true);
  MemorySource source = make_tiny_llama(1);
  const Model model(source);
  Rng rng(3);
  std::vector<LikelihoodItem> items;
  for (size_t i = 0; i < 60; ++i) items.push_back(random_item(model.config().n_vocab, rng));
  items.push_back({{1, 2, 3}, {{4, 5}, {4, 5}, {4}, {4, 5, 6, 7}, {4, 5, 6, 8}, {4, 5, 9}, {7}, {4, 5}}});
  const auto results = likelihoods({.model = &model, .compute = ComputeMode::kPrecise}, items, "test");
  ASSERT_EQ(results.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ(results[i].size(), items[i].continuations.size());
    for (size_t j = 0; j < results[i].size(); ++j) {
      const Likelihood expected = plain(model, items[i].context, items[i].continuations[j]);
      EXPECT_NEAR(results[i][j].sum, expected.sum, 1e-3) << i << ", " << j;
      EXPECT_EQ(results[i][j].n_tokens, expected.n_tokens) << i << ", " << j;
      EXPECT_EQ(results[i][j].greedy, expected.greedy) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace hone
