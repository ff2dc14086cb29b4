#include "eval_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "eval/task_list.h"
#include "eval_calibration.h"

namespace hone::cli {
namespace {

std::string task_names() {
  std::string names;
  for (const Task* task : all_tasks()) names += (names.empty() ? "" : ", ") + std::string(task->name);
  return names;
}

std::string footer() {
  std::string out = "tasks and the columns of their files (JSON Lines):\n";
  for (const Task* task : all_tasks())
    out += fmt::format("  {:<15} {}\n                  {}\n", task->name, task->summary, task->columns);
  return out;
}

std::string interval(const Estimate& e) {
  return fmt::format("{:.4f} to {:.4f}", e.low, e.high);
}

std::string metric_lines(const TaskResult& result) {
  std::string text;
  for (const TaskMetric& metric : result.metrics)
    text += fmt::format("  {:<24} {:>10.4f} ± {:.4f}   95 % interval {}\n", metric.name,
                        metric.estimate.value, metric.estimate.stderr_, interval(metric.estimate));
  return text;
}

// A few answers that changed; all are in the details.
std::string flip_lines(const TaskResult& reference, const TaskResult& result, const Flips& flips) {
  const Estimate& d = flips.difference;
  std::string text = fmt::format(
      "  against the reference    {:+.4f}, 95 % interval {:+.4f} to {:+.4f}; {} to wrong, {} to right, "
      "McNemar's exact p {:.3g}\n",
      d.value, d.low, d.high, flips.to_wrong, flips.to_right, flips.p);
  constexpr size_t kShown = 5;
  for (size_t n = 0; n < std::min(kShown, flips.items.size()); ++n) {
    const size_t i = flips.items[n];
    const ItemResult &was = reference.items[i], &is = result.items[i];
    text +=
        fmt::format("    line {:<6} {}", result.file->items[i].line, is.correct ? "to right" : "to wrong");
    if (result.file->task->kind == TaskKind::kChoice)
      text += fmt::format(": choice {} → {}, margin {:.3f} → {:.3f}", was.prediction, is.prediction,
                          was.margin, is.margin);
    text += "\n";
  }
  return text;
}

}  // namespace

void TaskOptions::declare(CLI::App& app) {
  app.add_option("--task", names, "questions to answer, each with a --data: " + task_names());
  app.add_option("--data", data, "the task's file, JSON Lines; one for each --task, in the same order");
  app.add_option("--shots", shots, "solved examples before each question (default 0)")
      ->check(CLI::Range(0, 1000));
  app.add_option(
      "--shots-data", shots_data,
      "files whose first rows are the examples, one for each --task; without, rows of the task's own "
      "file are drawn with --seed");
  app.add_flag("--apply-chat-template", chat_template,
               "ask in the model's chat template, examples as turns (default: plain text)");
  app.add_option("--details", details, "write every item's answer here, JSON Lines");
  app.footer(footer());
}

std::string TaskOptions::key(size_t i) const {
  const bool once = std::count(names.begin(), names.end(), names[i]) == 1;
  return once ? names[i] : names[i] + "-" + std::filesystem::path(data[i]).stem().string();
}

std::vector<std::string> TaskOptions::files() const {
  if (names.size() != data.size())
    fail(ErrorCode::kInvalidArgument,
         "--data: got {} files for {} tasks, expected one for each --task, in order", data.size(),
         names.size());
  if (!shots_data.empty() && shots_data.size() != names.size())
    fail(ErrorCode::kInvalidArgument,
         "--shots-data: got {} files for {} tasks, expected one for each --task, in order, or none",
         shots_data.size(), names.size());
  if (!shots_data.empty() && shots == 0)
    fail(ErrorCode::kInvalidArgument,
         "--shots-data: got files, but no --shots; say how many examples to show");
  if (!details.empty() && names.empty())
    fail(ErrorCode::kInvalidArgument, "--details: got {}, but no --task whose answers it would hold",
         details);
  std::vector<std::string> all = data;
  all.insert(all.end(), shots_data.begin(), shots_data.end());
  return all;
}

TaskSets::TaskSets(const TaskOptions& options, size_t limit) : options_(options) {
  for (size_t i = 0; i < options.names.size(); ++i) {
    const Task& task = find_task(options.names[i]);
    files_.push_back(read_task_file(task, options.data[i], limit));
    if (!options.shots_data.empty()) shots_.push_back(read_task_file(task, options.shots_data[i]));
  }
}

PromptOptions TaskSets::prompts(size_t i, const LoadedModel& loaded, uint64_t seed) const {
  return {.shots = options_.shots,
          .shots_file = shots_.empty() ? nullptr : &shots_[i],
          .seed = seed,
          .chat_template = options_.chat_template ? &loaded.codec().chat_template : nullptr};
}

void TaskSets::run(const Side& model, const Side* reference, uint64_t seed, Json& json, Json& metrics,
                   std::string& text) const {
  std::string details;
  for (size_t i = 0; i < files_.size(); ++i) {
    const TaskFile& file = files_[i];
    const PromptOptions options = prompts(i, model.loaded, seed);
    const TaskResult result =
        run_task({model.candidate, model.loaded.tokenizer()}, file, options, std::string(file.task->name));
    Json entry = {{"task", file.task->name}, {"key", options_.key(i)}, {"metrics", to_json(result.metrics)}};
    entry["truncated"] = result.n_truncated;
    entry["seconds"] = result.seconds;
    text += fmt::format("{}: {}, {} items, {} shots{}\n", file.task->title, file.path.string(),
                        file.items.size(), options_.shots, options_.chat_template ? ", chat template" : "");
    text += metric_lines(result);
    std::optional<TaskResult> other;
    if (reference != nullptr) {
      other = run_task({reference->candidate, reference->loaded.tokenizer()}, file,
                       prompts(i, reference->loaded, seed), std::string(file.task->name) + ", reference");
      const Flips flips = compare_items(*other, result, seed);
      entry["reference_metrics"] = to_json(other->metrics);
      entry["flips"] = to_json(flips);
      text += flip_lines(*other, result, flips);
    }
    add_calibration(result, other ? &*other : nullptr, key(i), seed, entry, metrics, text);
    if (result.n_truncated > 0)
      text += fmt::format("  {} prompts were longer than the model's context and lost their beginning\n",
                          result.n_truncated);
    entry["protocol"] = task_protocol(file, options, model.candidate);
    for (const auto& [name, value] : entry["metrics"].items()) metrics[options_.key(i) + "." + name] = value;
    json["tasks"].push_back(std::move(entry));
    details += detail_lines(result, other ? &*other : nullptr);
  }
  if (!options_.details.empty()) write_file(options_.details, details);
}

}  // namespace hone::cli
