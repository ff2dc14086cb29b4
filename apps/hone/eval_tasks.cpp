#include "eval_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "eval/match/match_list.h"
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
  std::string out =
      "tasks, the columns of their files (JSON Lines) and the metric by which answers count as right:\n";
  for (const Task* task : all_tasks())
    out += fmt::format("  {:<15} {}\n                  {}; {}\n", task->name, task->summary, task->columns,
                       task->metric.empty() ? "metric by --match" : task->metric);
  out += "\nmatchers (--match NAME, or --match '{\"type\": NAME, SETTING: VALUE}'):\n";
  for (const MatcherKind* kind : all_matchers())
    out +=
        fmt::format("  {:<15} {}{}\n", kind->name, kind->summary,
                    kind->settings.empty() ? std::string() : fmt::format("; settings: {}", kind->settings));
  return out;
}

// --match-command: a program, or a JSON list of it and its arguments.
std::vector<std::string> parse_command(const std::string& text) {
  if (!text.starts_with("[")) return {text};
  const Json list = Json::parse(text, nullptr, false);
  std::vector<std::string> arguments;
  if (list.is_array())
    for (const Json& argument : list)
      if (argument.is_string()) arguments.push_back(argument.get<std::string>());
  if (arguments.empty() || arguments.size() != list.size())
    fail(
        ErrorCode::kInvalidArgument,
        "--match-command: got {}, expected a program, or a JSON list of texts: the program and its arguments",
        text);
  return arguments;
}

// The beginning of what a model wrote, in one line.
std::string shown(const std::string& text) {
  constexpr size_t kLongest = 40;
  const std::string line = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (line.size() <= kLongest) return line;
  size_t end = kLongest;
  while ((static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  return line.substr(0, end) + "…";
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

std::string category_lines(const TaskResult& result, const std::vector<CategoryScore>& categories) {
  if (categories.empty()) return {};
  std::string text = fmt::format("  {} by category\n", result.metrics[0].name);
  for (const CategoryScore& category : categories)
    text += fmt::format("    {:<22} {:>10.4f} ± {:.4f}   of {} items\n", category.name,
                        category.estimate.value, category.estimate.stderr_, category.estimate.n);
  return text;
}

// What was not judged, or not as defined.
std::string note_lines(const TaskFile& file, const TaskResult& result) {
  std::string text;
  for (const auto& [reason, n] : file.left_out) text += fmt::format("  left out: {} rows, {}\n", n, reason);
  for (const std::string& remark : result.remarks) text += "  " + remark + "\n";
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
    if (result.file->task->kind == TaskKind::kWritten)
      text += fmt::format(": {} → {}", shown(was.extracted), shown(is.extracted));
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
  app.add_option("--max-tokens", max_tokens, "tokens of a written answer (default: the task's, mostly 256)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--stop", stop, "a written answer ends before any of these (default: the task's)");
  app.add_option("--match", judge.match,
                 "how answers of the task \"generate\" are compared: a matcher's name, or a JSON object of "
                 "\"type\" and settings (default exact)");
  app.add_option("--match-command", command,
                 "program that judges answers of \"generate\": the answer on its standard input, a file with "
                 "the item in JSON as last argument, exit status 0 for right; a name, or a JSON list with "
                 "arguments; no shell");
  app.add_option("--match-seconds", judge.command_seconds,
                 "time that the program has for an answer (default 10)")
      ->check(CLI::Range(0.01, 86400.0));
  app.add_flag("--apply-chat-template", chat_template,
               "ask in the model's chat template, examples as turns (default: plain text)");
  app.add_option("--details", details, "write every item's answer here, JSON Lines");
  app.footer(footer());
}

std::vector<RecipeTask> TaskOptions::entries(size_t limit) const {
  std::vector<RecipeTask> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool once = std::count(names.begin(), names.end(), names[i]) == 1;
    out.push_back({.task = names[i],
                   .name = once ? names[i] : names[i] + "-" + std::filesystem::path(data[i]).stem().string(),
                   .data = data[i],
                   .limit = limit,
                   .shots = shots,
                   .shots_data = shots_data.empty() ? "" : shots_data[i],
                   .chat_template = chat_template,
                   .max_tokens = max_tokens,
                   .stop = stop.empty() ? std::nullopt : std::optional(stop),
                   .judge = judge,
                   .general = false});
  }
  return out;
}

void TaskOptions::check() {
  bool written = false, matched = false;
  for (const std::string& name : names) {
    const Task& task = find_task(name);
    written = written || task.kind == TaskKind::kWritten;
    matched = matched || task.metric.empty();
  }
  const auto needs = [](bool given, bool there, const char* option, const char* which) {
    if (given && !there)
      fail(ErrorCode::kInvalidArgument, "{}: got a value, but no --task that is {}", option, which);
  };
  needs(max_tokens.has_value(), written, "--max-tokens", "answered by writing");
  needs(!stop.empty(), written, "--stop", "answered by writing");
  needs(!judge.match.empty(), matched, "--match", "compared by a matcher (generate)");
  needs(!command.empty(), matched, "--match-command", "compared by a matcher (generate)");
  for (const std::string& text : stop)
    if (text.empty())
      fail(ErrorCode::kInvalidArgument, "--stop: got an empty text, expected at least one character");
  if (!command.empty() && !judge.match.empty())
    fail(ErrorCode::kInvalidArgument,
         "--match-command: got a program beside --match {}; expected one of them", judge.match);
  if (!command.empty()) judge.command = parse_command(command);
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

void run_tasks(const TaskSet& tasks, const Side& model, const Side* reference, const std::string& details,
               Json& json, Json& metrics, std::string& text) {
  const uint64_t seed = tasks.seed();
  std::string lines;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const TaskFile& file = tasks.file(i);
    const RecipeTask& task = tasks.entry(i);
    const TaskResult result = tasks.answer(i, model.loaded, model.candidate, task.task);
    Json entry = {{"task", file.task->name}, {"key", task.name}, {"metrics", to_json(result.metrics)}};
    entry["truncated"] = result.n_truncated;
    entry["seconds"] = result.seconds;
    text += fmt::format("{}: {}, {} items, {} shots{}\n", file.task->title, file.path.string(),
                        file.items.size(), task.shots, task.chat_template ? ", chat template" : "");
    text += metric_lines(result);
    const std::vector<CategoryScore> categories = by_category(result, seed);
    text += category_lines(result, categories);
    if (!categories.empty()) entry["by_category"] = to_json(categories);
    if (!result.remarks.empty()) entry["remarks"] = result.remarks;
    std::optional<TaskResult> other;
    if (reference != nullptr) {
      other = tasks.answer(i, reference->loaded, reference->candidate, task.task + ", reference");
      const Flips flips = compare_items(*other, result, seed);
      entry["reference_metrics"] = to_json(other->metrics);
      entry["flips"] = to_json(flips);
      text += flip_lines(*other, result, flips);
    }
    add_calibration(result, other ? &*other : nullptr, task.name, seed, entry, metrics, text);
    text += note_lines(file, result);
    if (result.n_truncated > 0)
      text += fmt::format("  {} prompts were longer than the model's context and lost their beginning\n",
                          result.n_truncated);
    entry["protocol"] = task_protocol(file, tasks.prompts(i, &model.loaded), model.candidate);
    for (const auto& [name, value] : entry["metrics"].items()) metrics[task.name + "." + name] = value;
    json["tasks"].push_back(std::move(entry));
    lines += detail_lines(result, other ? &*other : nullptr);
  }
  if (!details.empty()) write_file(details, lines);
}

}  // namespace hone::cli
