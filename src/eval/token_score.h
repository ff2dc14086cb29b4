// One row of logits judged: the loss of the token that came, and how far the row is from a reference's.
#pragma once

#include <array>
#include <span>

#include "eval/evaluate.h"
#include "eval/softmax.h"

namespace hone {

constexpr size_t kTopTokens = 5;

// A row of logits (V) with what softmax() made of it: weights = exp(logits - largest), V.
struct LogitRow {
  std::span<const float> logits, weights;
  Softmax softmax;

  double nll(int32_t target) const;
  bool hits(int32_t target) const { return softmax.top == static_cast<size_t>(target); }
};

// The tokens with the largest logits, the first of equals first; fewer than five when V is smaller.
std::span<const uint32_t> top_tokens(std::span<const float> logits, std::array<uint32_t, kTopTokens>& out);

// KL(reference || own), nats; 0 where rounding would make it negative.
double kl_divergence(const LogitRow& reference, const LogitRow& own);
// Jensen-Shannon divergence, nats: from 0 to log 2 (Lin 1991). Tokens with less than 1e-12 of both are left
// out.
double js_divergence(const LogitRow& reference, const LogitRow& own);
// Share of a's tokens that are among b's.
double shared_tokens(std::span<const uint32_t> a, std::span<const uint32_t> b);

}  // namespace hone
