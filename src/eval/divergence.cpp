// Evaluators that compare a model with a reference, token by token; the tokens' numbers come from score.cpp.
#include "eval/divergence.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/evaluator_list.h"

namespace hone {

constinit const Evaluator kEvaluatorKl{
    .name = "kl",
    .title = "KL",
    .unit = "nats/token",
    .summary = "KL divergence of the next-token distribution from the reference's",
    .higher_is_better = false,
    .needs_reference = true,
};

constinit const Evaluator kEvaluatorTop1Agreement{
    .name = "top1_agreement",
    .title = "top-1 agreement",
    .unit = "",
    .summary = "share of positions where the most likely token is the reference's",
    .higher_is_better = true,
    .needs_reference = true,
};

constinit const Evaluator kEvaluatorJs{
    .name = "js",
    .title = "Jensen-Shannon",
    .unit = "nats/token",
    .summary = "Jensen-Shannon divergence of the next-token distribution from the reference's",
    .higher_is_better = false,
    .needs_reference = true,
};

constinit const Evaluator kEvaluatorTop5Agreement{
    .name = "top5_agreement",
    .title = "top-5 agreement",
    .unit = "",
    .summary = "share of the reference's five most likely tokens that are among the model's five",
    .higher_is_better = true,
    .needs_reference = true,
};

constinit const Evaluator kEvaluatorDeltaP{
    .name = "delta_p",
    .title = "Δp",
    .unit = "",
    .summary = "mean of p(right token) minus the reference's",
    .higher_is_better = true,
    .needs_reference = true,
};

namespace {

double delta_p(const TokenScore& token) {
  return std::exp(-token.nll) - std::exp(-token.reference_nll);
}

}  // namespace

Divergence divergence(const TokenScores& scores, uint64_t seed) {
  HONE_CHECK(scores.compared && !scores.tokens.empty());
  const auto sums = [&](auto value) { return document_sums(scores.tokens, scores.n_documents, value); };
  Divergence out;
  out.js = bootstrap_mean(sums([](const TokenScore& t) { return t.js; }), seed);
  out.top5 = bootstrap_mean(sums([](const TokenScore& t) { return t.top5; }), seed);
  out.delta_p = bootstrap_mean(sums(delta_p), seed);
  out.delta_p_rms = bootstrap_root(sums([](const TokenScore& t) { return delta_p(t) * delta_p(t); }), seed);
  std::vector<double> kl;
  kl.reserve(scores.tokens.size());
  for (const TokenScore& token : scores.tokens) kl.push_back(token.kl);
  std::sort(kl.begin(), kl.end());
  out.kl_median = quantile(kl, 0.5);
  out.kl_p90 = quantile(kl, 0.9);
  out.kl_p99 = quantile(kl, 0.99);
  out.kl_max = kl.back();
  return out;
}

}  // namespace hone
