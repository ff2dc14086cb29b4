// hone eval --refusals: how often a model declines to answer a file of prompts.
#pragma once

#include "eval_output.h"
#include "pipeline/refusal_rates.h"

namespace hone::cli {

struct RefusalOptions {
  std::string prompts;
  size_t tokens = kRefusalTokens;

  void declare(CLI::App& app);
};

// Greedy answers to all prompts (the first `limit` of them, 0 = all); under "refusals" in the parts with the
// answers that count, the rate as a metric. reference may be null.
void add_refusals(EvalOutput& out, const RefusalOptions& options, size_t limit, const LoadedModel& loaded,
                  const Candidate& candidate, const LoadedModel* reference, uint64_t seed);

}  // namespace hone::cli
