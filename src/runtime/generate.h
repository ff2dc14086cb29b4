// Text out: sampler chain and the generation loop over a KV cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "models/model.h"

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

// One token from logits (V); history: tokens so far, for the repeat penalty. llama.cpp's order: penalty,
// top-k, top-p, min-p, temperature, draw.
TokenId sample(std::span<const float> logits, std::span<const TokenId> history,
               const SamplingOptions& options, Rng& rng);

struct GenerateOptions {
  SamplingOptions sampling;
  size_t max_tokens = 256;
  std::vector<std::string> stop;  // generation ends before any of these; they may span tokens
  bool ignore_end = false;        // do not stop at end-of-generation tokens
  ComputeMode compute = ComputeMode::kFast;
};

struct GenerateResult {
  std::vector<TokenId> tokens;  // generated, without the end token
  std::string text;
  std::string finish;  // "stop" (end token or stop string) or "length"
  size_t prompt_tokens = 0;
  double prompt_seconds = 0, decode_seconds = 0;
};

// on_text receives text as soon as it is certain not to be part of a stop string and is whole UTF-8; return
// false to stop.
GenerateResult generate(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text = {});

}  // namespace hone
