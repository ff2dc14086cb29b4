#include "eval/task_run.h"

#include <chrono>
#include <cmath>

#include "base/error.h"
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
  }
  return "";
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
  TaskResult result = score_choices(model, file, prompts, options.seed, label);
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
