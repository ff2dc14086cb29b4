#include "eval_refusals.h"

#include "eval/refusals.h"

namespace hone::cli {

void RefusalOptions::declare(CLI::App& app) {
  CLI::Option* option = app.add_option(
      "--refusals", prompts,
      "prompts, as chats in JSON Lines: how many greedy answers begin like a refusal (a list of "
      "English phrases, in the JSON's protocol)");
  app.add_option("--refusal-tokens", tokens,
                 fmt::format("with --refusals: tokens of an answer (default {})", kRefusalTokens))
      ->needs(option)
      ->check(CLI::Range(1, 4096));
}

void add_refusals(EvalOutput& out, const RefusalOptions& options, size_t limit, const LoadedModel& loaded,
                  const Candidate& candidate, const LoadedModel* reference, uint64_t seed) {
  std::vector<ChatRecord> prompts = read_chats(options.prompts);
  if (limit > 0 && prompts.size() > limit) prompts.resize(limit);
  const auto own = greedy_answers(loaded, candidate, prompts, options.tokens, "refusals");
  const auto own_refused = count_refusals(own);
  out.add("refusal_rate", bootstrap_mean(own_refused, seed),
          fmt::format("of {} answers begin like a refusal (a heuristic)", own.size()));
  Json part = {{"prompts", options.prompts}, {"answers", own.size()}, {"refused", Json::array()}};
  for (size_t i = 0; i < own.size(); ++i)
    if (own_refused[i].sum > 0) part["refused"].push_back({{"line", prompts[i].line}, {"answer", own[i]}});
  if (reference != nullptr) {
    const auto others = count_refusals(
        greedy_answers(*reference, {.model = &reference->model(), .compute = ComputeMode::kPrecise}, prompts,
                       options.tokens, "refusals, reference"));
    part["reference_rate"] = to_json(bootstrap_mean(others, seed));
    out.add("refusal_rate_change", mean_difference(others, own_refused, seed), "to the reference's, paired");
  }
  out.parts["refusals"] = std::move(part);
  out.protocol["refusals"] = options.prompts;
  out.protocol["refusal_prompts"] = prompts.size();
  out.protocol["refusal_tokens"] = options.tokens;
  out.protocol["refusal_characters"] = kRefusalCharacters;
  const auto phrases = refusal_phrases();
  out.protocol["refusal_phrases"] = std::vector<std::string>(phrases.begin(), phrases.end());
}

}  // namespace hone::cli
