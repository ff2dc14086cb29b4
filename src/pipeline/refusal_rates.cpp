#include "pipeline/refusal_rates.h"

#include "base/interrupt.h"
#include "base/progress.h"
#include "eval/refusals.h"
#include "pipeline/measure.h"
#include "runtime/generate.h"

namespace hone {

std::vector<std::string> greedy_answers(const LoadedModel& loaded, const Candidate& candidate,
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
    const std::vector<TokenId> prompt = encode_prompt(loaded.codec(), question_of(record), record.tools);
    answers.push_back(generate(loaded.model(), loaded.tokenizer(), prompt, options).text);
    progress.update(answers.size());
  }
  progress.finish();
  return answers;
}

std::vector<DocumentScore> count_refusals(const std::vector<std::string>& answers) {
  std::vector<DocumentScore> out;
  for (const std::string& answer : answers) out.push_back({is_refusal(answer) ? 1.0 : 0.0, 1});
  return out;
}

}  // namespace hone
