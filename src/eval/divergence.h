// How far a model is from a reference, token by token: what llama.cpp's perplexity tool prints for
// --kl-divergence, and Jensen-Shannon and top-5 agreement.
#pragma once

#include "eval/token_sums.h"

namespace hone {

struct Divergence {
  Estimate js;           // nats
  Estimate top5;         // share of the reference's five most likely tokens among the model's five
  Estimate delta_p;      // mean of p(right token) - reference's p(right token)
  Estimate delta_p_rms;  // root of its mean square
  // Of the tokens' KL, nats; linear between neighbours.
  double kl_median = 0, kl_p90 = 0, kl_p99 = 0, kl_max = 0;
};
// scores.compared must be true, and there must be tokens.
Divergence divergence(const TokenScores& scores, uint64_t seed = 42);

}  // namespace hone
