#include "eval_refusals.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/progress.h"
#include "eval/refusals.h"
#include "pipeline/measure.h"
#include "runtime/generate.h"

namespace hone::cli {
namespace {

std::vector<std::string> answers_of(const LoadedModel& loaded, const Candidate& candidate,
                                    const std::vector<ChatRecord>& prompts, size_t max_tokens,
                                    const std::string& label) {
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = max_tokens;
  options.compute = candidate.compute;
  options.cache_type = candidate.cache_type;
  std::vector<std::string> answers;
  Progress progress(label, prompts.size(), "answers");
  for (const ChatRecord& record : prompts) {
    throw_if_interrupted("answering");
    const std::vector<TokenId> prompt = encode_prompt(loaded.codec(), question_of(record));
    answers.push_back(generate(loaded.model(), loaded.tokenizer(), prompt, options).text);
    progress.update(answers.size());
  }
  progress.finish();
  return answers;
}

std::vector<DocumentScore> refused(const std::vector<std::string>& answers) {
  std::vector<DocumentScore> out;
  for (const std::string& answer : answers) out.push_back({is_refusal(answer) ? 1.0 : 0.0, 1});
  return out;
}

}  // namespace

void RefusalOptions::declare(CLI::App& app) {
  CLI::Option* option = app.add_option(
      "--refusals", prompts,
      "prompts, as chats in JSON Lines: how many greedy answers begin like a refusal (a list of "
      "English phrases, in the JSON's protocol)");
  app.add_option("--refusal-tokens", tokens, "with --refusals: tokens of an answer (default 64)")
      ->needs(option)
      ->check(CLI::Range(1, 4096));
}

void add_refusals(EvalOutput& out, const RefusalOptions& options, size_t limit, const LoadedModel& loaded,
                  const Candidate& candidate, const LoadedModel* reference, uint64_t seed) {
  std::vector<ChatRecord> prompts = read_chats(options.prompts);
  if (limit > 0 && prompts.size() > limit) prompts.resize(limit);
  const auto own = answers_of(loaded, candidate, prompts, options.tokens, "refusals");
  const auto own_refused = refused(own);
  out.add("refusal_rate", bootstrap_mean(own_refused, seed),
          fmt::format("of {} answers begin like a refusal (a heuristic)", own.size()));
  Json part = {{"prompts", options.prompts}, {"answers", own.size()}, {"refused", Json::array()}};
  for (size_t i = 0; i < own.size(); ++i)
    if (own_refused[i].sum > 0) part["refused"].push_back({{"line", prompts[i].line}, {"answer", own[i]}});
  if (reference != nullptr) {
    const auto others =
        refused(answers_of(*reference, {.model = &reference->model(), .compute = ComputeMode::kPrecise},
                           prompts, options.tokens, "refusals, reference"));
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
