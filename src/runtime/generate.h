// Text out: the generation loop over KV caches, for one or several sequences at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/model.h"
#include "runtime/sampler.h"

namespace hone {

class Draft;

// Keys and values that outlive a text: a prompt that begins like the last text runs only the rest.
struct KeptText {
  KvCache cache;
  std::vector<TokenId> tokens;  // the cache holds the first cache.length() of them, also after an exception
};

struct GenerateOptions {
  SamplingOptions sampling;
  size_t max_tokens = 256;
  std::vector<std::string> stop;  // generation ends before any of these; they may span tokens
  bool ignore_end = false;        // do not stop at end-of-generation tokens
  ComputeMode compute = ComputeMode::kFast;
  std::optional<KvFormat> cache_type;  // default: f32 with kPrecise, f16 otherwise
  Draft* draft = nullptr;              // guesses that are checked together (draft.h); for one sequence
  KeptText* kept = nullptr;  // instead of a cache of its own, whose capacity is the context; for one
                             // sequence; cache_type does not count
  size_t draft_tokens = 4;   // guesses at a time, at most kMaxDraftTokens
  // Of generate_all:
  size_t together = 0;            // texts written at a time, others begin when one ends; 0: all
  bool steady = false;            // tokens as if each text were written alone; needs together <= kSteadyRows
  bool share_beginnings = false;  // what a prompt and the next begin with is run once
  std::function<void(size_t n_ended)> on_end;
};
constexpr size_t kMaxDraftTokens = kSteadyRows - 1;

struct GenerateResult {
  std::vector<TokenId> tokens;  // generated, without the end token
  std::string text;
  std::string finish;  // "stop" (end token or stop string) or "length"
  size_t prompt_tokens = 0;
  size_t reused_tokens = 0;                       // of the prompt: kept from the last text, not run
  double prompt_seconds = 0, decode_seconds = 0;  // of all sequences together, until this one ended
  size_t drafted = 0, accepted = 0;               // guesses made, guesses that were right

  // Tokens that decode_seconds were spent on: the first comes from the prompt's logits.
  size_t decoded() const noexcept { return tokens.empty() ? 0 : tokens.size() - 1; }
};

// on_text receives text as soon as it is certain not to be part of a stop string and is whole UTF-8; return
// false to stop. Throws kInvalidArgument naming what is wrong with a prompt or an option, kResourceExhausted.
GenerateResult generate(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text = {});

// Several prompts at a time: each forward takes one token of every sequence, so the weights are read once for
// all. Sequence i draws with seed + i. In the fast compute mode a few rows are multiplied with less precision
// than one unless `steady`, so that texts may differ from generate()'s where two tokens are about equally
// likely.
using OnText = std::function<bool(size_t sequence, std::string_view text)>;
std::vector<GenerateResult> generate_all(const Model& model, const Tokenizer& tokenizer,
                                         std::span<const std::vector<TokenId>> prompts,
                                         const GenerateOptions& options, const OnText& on_text = {});

}  // namespace hone
