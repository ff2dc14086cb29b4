// What the next token is drawn from, and the draw.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "text/tokenizer.h"

namespace hone {

struct SamplingOptions {
  float temperature = 0.8f;  // 0 = greedy
  int top_k = 40;            // 0 = off
  float top_p = 0.95f;       // 1 = off
  float min_p = 0.05f;       // 0 = off
  float repeat_penalty = 1.0f;
  int repeat_last_n = 64;  // -1 = the whole context
  uint64_t seed = 42;
};

// Throws kInvalidArgument naming the option, its value and its range.
void validate(const SamplingOptions& options);

struct TokenProbability {
  TokenId id = -1;
  double p = 0;
};
// What sample() draws from: the tokens that pass the filters, most likely first, probabilities summing to 1.
// Greedy (temperature 0): the token with the largest logit, the lowest id of equals.
std::vector<TokenProbability> sampling_distribution(std::span<const float> logits,
                                                    std::span<const TokenId> history,
                                                    const SamplingOptions& options);

// One token of a distribution. Draws nothing from rng when there is only one.
TokenId draw(std::span<const TokenProbability> candidates, Rng& rng);

// One token from logits (V); history: tokens so far, for the repeat penalty. llama.cpp's order: penalty,
// top-k, top-p, min-p, temperature, draw.
TokenId sample(std::span<const float> logits, std::span<const TokenId> history,
               const SamplingOptions& options, Rng& rng);

}  // namespace hone
