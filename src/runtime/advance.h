// Tokens through the model, several sequences in one forward.
#pragma once

#include <span>

#include "models/model.h"

namespace hone {

// What goes behind the tokens that a sequence's cache holds.
struct Feed {
  std::span<const TokenId> tokens;
  KvCache* cache = nullptr;
  size_t n_logits = 1;  // of its last tokens: 0 to all
};

// Runs all tokens, some hundred a forward. Hidden states behind the output norm (sum of n_logits, C), feed by
// feed.
Tensor advance_hidden(const Model& model, OpContext& ctx, std::span<const Feed> feeds);
// Runs all tokens, some hundred a forward. Logits (sum of n_logits, V), feed by feed.
Tensor advance(const Model& model, OpContext& ctx, std::span<const Feed> feeds);

}  // namespace hone
