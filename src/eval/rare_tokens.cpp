#include "eval/rare_tokens.h"

#include <map>

#include "base/error.h"

namespace hone {
namespace {

TokenCounts empty_counts(const Tokenizer& tokenizer) {
  return {.of = std::vector<uint64_t>(tokenizer.data().tokens.size()), .total = 0};
}

void add(TokenCounts& counts, TokenId token) {
  ++counts.of[static_cast<size_t>(token)];
  ++counts.total;
}

FrequencyBucket::Compared compared(std::span<const TokenScore> tokens, size_t n_documents,
                                   const std::vector<DocumentScore>& loss, uint64_t seed) {
  const auto sums = [&](auto value) { return document_sums(tokens, n_documents, value); };
  const auto reference = sums([](const TokenScore& t) { return t.reference_nll; });
  return {.reference_loss = bootstrap_mean(reference, seed),
          .difference = mean_difference(reference, loss, seed),
          .kl = bootstrap_mean(sums([](const TokenScore& t) { return t.kl; }), seed),
          .top1 = bootstrap_mean(sums([](const TokenScore& t) { return t.top1; }), seed)};
}

}  // namespace

FrequencyRange range_of(const TokenCounts& counts, int32_t token) {
  const auto id = static_cast<size_t>(token);
  const uint64_t count = id < counts.of.size() ? counts.of[id] : 0;
  if (count == 0) return {0, 0};
  uint64_t low = 1;
  while (count / low >= 10) low *= 10;
  return {low, 10 * low - 1};
}

TokenCounts count_tokens(const Tokenizer& tokenizer, const std::string& text) {
  TokenCounts counts = empty_counts(tokenizer);
  for (const TokenId token : tokenizer.encode(text, {.add_special = false, .parse_special = false}))
    add(counts, token);
  if (counts.total == 0)
    fail(ErrorCode::kInvalidArgument, "token counts: got a text without tokens, expected at least one");
  return counts;
}

TokenCounts count_tokens(const Tokenizer& tokenizer, const Dataset& chats) {
  TokenCounts counts = empty_counts(tokenizer);
  for (const Sample& sample : chats.samples)
    for (size_t t = 0; t < sample.tokens.size(); ++t)
      if (sample.supervised[t] != 0) add(counts, sample.tokens[t]);
  return counts;
}

std::vector<FrequencyBucket> by_frequency(const TokenScores& scores, const TokenCounts& counts,
                                          uint64_t seed) {
  std::map<uint64_t, std::vector<TokenScore>> parts;  // by the lowest count
  for (const TokenScore& token : scores.tokens) parts[range_of(counts, token.target).low].push_back(token);
  std::vector<FrequencyBucket> buckets;
  for (const auto& [low, tokens] : parts) {
    FrequencyBucket& bucket = buckets.emplace_back();
    bucket.low = low;
    bucket.high = low == 0 ? 0 : 10 * low - 1;
    bucket.n = tokens.size();
    bucket.share = static_cast<double>(tokens.size()) / static_cast<double>(scores.tokens.size());
    const auto loss =
        document_sums(tokens, scores.n_documents, [](const TokenScore& token) { return token.nll; });
    bucket.loss = bootstrap_mean(loss, seed);
    if (scores.compared) bucket.compared = compared(tokens, scores.n_documents, loss, seed);
  }
  return buckets;
}

}  // namespace hone
