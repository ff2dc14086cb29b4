// log p of texts given what stands before them, for many at a time. What is common is computed once: the
// beginning that neighbouring contexts share (few-shot examples), the context of several continuations, and
// one row of logits for all first tokens.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/evaluate.h"

namespace hone {

// A context with all that may follow it. Neither the context nor a continuation is empty.
struct LikelihoodItem {
  std::vector<TokenId> context;
  std::vector<std::vector<TokenId>> continuations;
};

struct Likelihood {
  double sum = 0;      // log p of the continuation's tokens, nats
  bool greedy = true;  // every token of it was the most likely one (the first of equals)
  size_t n_tokens = 0;
};

// The candidate's cache type; default f32 with kPrecise, f16 otherwise.
KvFormat cache_format(const Candidate& candidate) noexcept;

// result[i][j]: of continuation j of item i, read through a cache (cache_format). Throws kInvalidArgument
// (tokens beyond the vocabulary, items longer than the model's context), kCorruption (log p not finite),
// kResourceExhausted, kCancelled.
std::vector<std::vector<Likelihood>> likelihoods(const Candidate& candidate,
                                                 std::span<const LikelihoodItem> items,
                                                 const std::string& progress_label);

}  // namespace hone
