#include "eval/task_run.h"

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "eval/task_score.h"

namespace hone {
namespace {

// No prompts are alike on other machines if the draw is not: named in the protocol.
std::string shots_text(const TaskFile& file, const PromptOptions& options) {
  if (options.shots == 0) return "none";
  if (options.shots_file == nullptr)
    return fmt::format("{}, drawn from the same file with seed {}, never the item itself", options.shots,
                       options.seed);
  return fmt::format("the first {} rows{} of {}", options.shots,
                     file.task->shots_of_category ? " of the item's category" : "",
                     options.shots_file->path.string());
}

const char* kind_text(TaskKind kind) {
  switch (kind) {
    case TaskKind::kChoice:
      return "log p of each choice behind the prompt; the largest, the first of equals, is the prediction";
    case TaskKind::kLastWord:
      return "log p of the target behind the prompt; right when each of its tokens is the most likely one";
    case TaskKind::kWritten:
      return "a text written behind the prompt, each token the most likely one";
  }
  return "";
}

TaskResult score(const TaskModel& model, const TaskFile& file, const Prompts& prompts,
                 const PromptOptions& options, const std::string& label) {
  switch (file.task->kind) {
    case TaskKind::kChoice:
    case TaskKind::kLastWord:
      return score_choices(model, file, prompts, options.seed, label);
    case TaskKind::kWritten:
      return score_written(model, file, prompts, options, label);
  }
  return {};
}

std::string prompt_hash(const std::vector<std::string>& prompts) {
  Hasher hasher;
  for (const std::string& prompt : prompts) hasher.add(prompt);
  return hasher.digest();
}

}  // namespace

Estimate mean_of_items(const std::vector<double>& values, uint64_t seed) {
  std::vector<DocumentScore> documents;
  for (const double value : values) documents.push_back({value, 1});
  Estimate estimate = bootstrap_mean(documents, seed);
  double squares = 0;
  for (const double value : values) squares += (value - estimate.value) * (value - estimate.value);
  const auto n = static_cast<double>(values.size());
  estimate.stderr_ = n > 1 ? std::sqrt(squares / (n - 1) / n) : 0;
  return estimate;
}

TaskResult run_task(const TaskModel& model, const TaskFile& file, const PromptOptions& options,
                    const std::string& label) {
  const auto start = std::chrono::steady_clock::now();
  const Prompts prompts(file, options);
  TaskResult result = score(model, file, prompts, options, label);
  HONE_CHECK(file.task->metric.empty() || result.metrics[0].name == file.task->metric, "{} is {}, not {}",
             file.task->name, result.metrics[0].name, file.task->metric);
  for (size_t i = 0; i < file.items.size(); ++i) result.items[i].prompt_hash = prompt_hash(prompts.of(i));
  result.file = &file;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

nlohmann::ordered_json task_protocol(const TaskFile& file, const PromptOptions& options,
                                     const Candidate& candidate) {
  nlohmann::ordered_json out;
  out["task"] = file.task->name;
  out["data"] = file.path.string();
  out["data_hash"] = file.content_hash;
  out["items"] = file.items.size();
  out["scored"] = kind_text(file.task->kind);
  if (file.task->kind == TaskKind::kWritten) {
    out["max_tokens"] = max_tokens_of(*file.task, options);
    out["stop"] = stops_of(*file.task, options);
    out["judged"] = file.task->writing.judge(file, options.judge)->description();
  }
  if (!file.left_out.empty()) out["left_out"] = file.left_out;
  out["shots"] = shots_text(file, options);
  if (options.shots > 0 && options.shots_file != nullptr)
    out["shots_hash"] = options.shots_file->content_hash;
  out["chat_template"] = options.chat_template != nullptr;
  out["compute"] = compute_mode_name(candidate.compute);
  out["cache"] = kv_format_name(cache_format(candidate));
  out["interval"] = fmt::format("95 %, bootstrap over items, 2000 draws, seed {}", options.seed);
  return out;
}

}  // namespace hone
