// What rare words cost: the loss of tokens by how often they occur in a corpus, and what changed there
// against a reference. A mean over all tokens is mostly one over frequent ones and hides what quantization or
// tuning does to the rest.
#pragma once

#include <optional>

#include "eval/token_sums.h"

namespace hone {

// How often each token of a vocabulary occurs.
struct TokenCounts {
  std::vector<uint64_t> of;  // by token id
  uint64_t total = 0;
};
// Of a text, without added control tokens; throws kInvalidArgument when it has none.
TokenCounts count_tokens(const Tokenizer& tokenizer, const std::string& text);
// Of the tokens that are learned from chats: answers and their ends.
TokenCounts count_tokens(const Tokenizer& tokenizer, const Dataset& chats);

// Tokens that occur from `low` to `high` times; the buckets are 0, 1 to 9, 10 to 99, ….
struct FrequencyRange {
  uint64_t low = 0, high = 0;
};
// Of a token; one beyond the vocabulary was never counted.
FrequencyRange range_of(const TokenCounts& counts, int32_t token);
struct FrequencyBucket {
  uint64_t low = 0, high = 0;
  size_t n = 0;      // scored tokens
  double share = 0;  // of all scored tokens
  Estimate loss;     // nats per token
  struct Compared {
    Estimate reference_loss, difference;  // difference: loss - reference's, paired by document
    Estimate kl, top1;
  };
  std::optional<Compared> compared;  // with a reference
};
// Buckets with scored tokens, rarest first. Intervals resample documents.
std::vector<FrequencyBucket> by_frequency(const TokenScores& scores, const TokenCounts& counts,
                                          uint64_t seed = 42);

}  // namespace hone
