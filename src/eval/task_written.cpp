// Tasks answered by writing: greedy choice through caches of keys and values, some texts at a time, like
// beginnings run once.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/progress.h"
#include "eval/task_score.h"
#include "runtime/generate.h"

namespace hone {
namespace {

struct Question {
  std::vector<std::vector<TokenId>> prompts;  // sorted, so that like beginnings are neighbours
  std::vector<size_t> items;                  // whose they are
  size_t n_truncated = 0;
};

// What a prompt may have beside what is written behind it; 0: the model does not say.
size_t room_for_prompts(const TaskFile& file, const ModelConfig& config, size_t max_tokens) {
  if (config.context_length == 0) return 0;
  if (max_tokens >= config.context_length)
    fail(ErrorCode::kInvalidArgument,
         "{}: {}: --max-tokens: got {}, expected fewer than the model's context of {}", file.path.string(),
         file.task->name, max_tokens, config.context_length);
  return config.context_length - max_tokens;
}

Question encode(const TaskModel& model, const TaskFile& file, const Prompts& prompts, size_t room) {
  Question out;
  std::vector<std::vector<TokenId>> encoded;
  for (size_t i = 0; i < file.items.size(); ++i) {
    encoded.push_back(encode_context(model.tokenizer, prompts.of(i)[0]));
    std::vector<TokenId>& tokens = encoded.back();
    if (room == 0 || tokens.size() <= room) continue;
    tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(room));
    ++out.n_truncated;
  }
  out.items.resize(encoded.size());
  std::iota(out.items.begin(), out.items.end(), size_t{0});
  std::stable_sort(out.items.begin(), out.items.end(),
                   [&](size_t a, size_t b) { return encoded[a] < encoded[b]; });
  for (const size_t item : out.items) out.prompts.push_back(std::move(encoded[item]));
  return out;
}

std::vector<GenerateResult> write(const TaskModel& model, const Question& question,
                                  const GenerateOptions& asked, const std::string& label) {
  Progress progress(label, question.prompts.size(), "answers");
  GenerateOptions options = asked;
  options.sampling = {.temperature = 0.0f};
  options.compute = model.candidate.compute;
  options.cache_type = cache_format(model.candidate);
  // Tokens as when the model is used, whoever is written beside.
  options.together = kSteadyRows;
  options.steady = true;
  options.share_beginnings = true;
  options.on_end = [&](size_t n) { progress.update(n); };
  std::vector<GenerateResult> texts =
      generate_all(*model.candidate.model, model.tokenizer, question.prompts, options);
  progress.finish();
  return texts;
}

std::vector<TaskMetric> estimates(const std::vector<std::string>& names,
                                  const std::vector<std::vector<DocumentScore>>& scores, uint64_t seed) {
  std::vector<TaskMetric> metrics;
  for (size_t m = 0; m < names.size(); ++m) {
    TaskMetric metric{.name = names[m], .estimate = {}, .values = {}};
    bool single = true;
    for (const DocumentScore& score : scores[m]) {
      metric.values.push_back(score.sum / score.count);
      single = single && score.count == 1;
    }
    metric.estimate = single ? mean_of_items(metric.values, seed) : bootstrap_mean(scores[m], seed);
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

}  // namespace

size_t max_tokens_of(const Task& task, const PromptOptions& options) {
  return options.max_tokens.value_or(task.writing.max_tokens);
}

std::vector<std::string> stops_of(const Task& task, const PromptOptions& options) {
  if (options.stop) return *options.stop;
  return {task.writing.stop.begin(), task.writing.stop.end()};
}

TaskResult score_written(const TaskModel& model, const TaskFile& file, const Prompts& prompts,
                         const PromptOptions& options, const std::string& label) {
  const std::unique_ptr<Judge> judge = file.task->writing.judge(file, options.judge);
  const std::vector<std::string> names = judge->metrics();
  GenerateOptions asked;
  asked.max_tokens = max_tokens_of(*file.task, options);
  asked.stop = stops_of(*file.task, options);
  const Question question =
      encode(model, file, prompts, room_for_prompts(file, model.candidate.model->config(), asked.max_tokens));
  std::vector<GenerateResult> texts = write(model, question, asked, label);
  TaskResult result;
  result.n_truncated = question.n_truncated;
  result.items.resize(file.items.size());
  for (size_t t = 0; t < texts.size(); ++t) {
    result.items[question.items[t]].written = std::move(texts[t].text);
    result.items[question.items[t]].finish = texts[t].finish;
  }
  std::vector<std::vector<DocumentScore>> scores(names.size());
  for (size_t i = 0; i < file.items.size(); ++i) {
    ItemResult& item = result.items[i];
    Judgement judgement = judge->judge(file.items[i], item.written);
    HONE_CHECK(judgement.scores.size() == names.size());
    item.extracted = std::move(judgement.extracted);
    item.correct = judgement.correct;
    for (size_t m = 0; m < names.size(); ++m) scores[m].push_back(judgement.scores[m]);
  }
  result.metrics = estimates(names, scores, options.seed);
  result.remarks = judge->remarks(file);
  return result;
}

}  // namespace hone
