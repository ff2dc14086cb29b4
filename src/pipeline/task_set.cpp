#include "pipeline/task_set.h"

#include "base/error.h"
#include "eval/calibration.h"
#include "eval/details.h"
#include "eval/item_text.h"
#include "eval/judge.h"
#include "eval/task_list.h"

namespace hone {

using Json = nlohmann::ordered_json;

namespace {

Estimate estimate_from_json(const Json& json) {
  return {.value = json.at("value").get<double>(),
          .stderr_ = json.at("stderr").get<double>(),
          .low = json.at("low").get<double>(),
          .high = json.at("high").get<double>(),
          .n = json.at("n").get<uint64_t>()};
}

}  // namespace

Json to_json(const TaskMeasurement& measurement) {
  Json out;
  out["metrics"] = Json::array();
  for (const TaskMetric& metric : measurement.metrics)
    out["metrics"].push_back(
        {{"name", metric.name}, {"estimate", to_json(metric.estimate)}, {"values", metric.values}});
  out["further"] = Json::object();
  for (const auto& [name, estimate] : measurement.further) out["further"][name] = to_json(estimate);
  out["correct"] = measurement.correct;
  out["answers"] = measurement.answers;
  out["truncated"] = measurement.n_truncated;
  out["seconds"] = measurement.seconds;
  return out;
}

TaskMeasurement task_measurement_from_json(const Json& json) {
  TaskMeasurement out;
  for (const Json& metric : json.at("metrics"))
    out.metrics.push_back({.name = metric.at("name").get<std::string>(),
                           .estimate = estimate_from_json(metric.at("estimate")),
                           .values = metric.at("values").get<std::vector<double>>()});
  for (const auto& [name, estimate] : json.at("further").items())
    out.further.emplace_back(name, estimate_from_json(estimate));
  out.correct = json.at("correct").get<std::vector<uint8_t>>();
  out.answers = json.at("answers").get<std::vector<std::string>>();
  out.n_truncated = json.at("truncated").get<uint64_t>();
  out.seconds = json.at("seconds").get<double>();
  return out;
}

TaskSet::TaskSet(std::vector<RecipeTask> entries, uint64_t seed) : entries_(std::move(entries)), seed_(seed) {
  for (const RecipeTask& entry : entries_) {
    const Task& task = find_task(entry.task);
    files_.push_back(read_task_file(task, entry.data, entry.limit));
    // Says now what is wrong with a matcher, not when the model has written for an hour.
    std::vector<std::string>& remarks = remarks_.emplace_back();
    if (task.writing.judge != nullptr)
      remarks = task.writing.judge(files_.back(), entry.judge)->remarks(files_.back());
    shots_.push_back(entry.shots_data.empty() ? TaskFile{} : read_task_file(task, entry.shots_data));
  }
}

PromptOptions TaskSet::prompts(size_t i, const LoadedModel* loaded) const {
  return {.shots = entries_[i].shots,
          .shots_file = shots_[i].task == nullptr ? nullptr : &shots_[i],
          .seed = seed_,
          .chat_template =
              entries_[i].chat_template && loaded != nullptr ? &loaded->codec().chat_template : nullptr,
          .max_tokens = entries_[i].max_tokens,
          .stop = entries_[i].stop,
          .judge = entries_[i].judge};
}

Json TaskSet::key(size_t i) const {
  const RecipeTask& entry = entries_[i];
  Json key = {{"task", entry.task},
              {"data", files_[i].content_hash},
              {"limit", entry.limit},
              {"shots", entry.shots},
              {"shots_data", shots_[i].task == nullptr ? "" : shots_[i].content_hash},
              {"chat_template", entry.chat_template},
              {"seed", seed_}};
  if (entry.max_tokens) key["max_tokens"] = *entry.max_tokens;
  if (entry.stop) key["stop"] = *entry.stop;
  if (!entry.judge.match.empty()) key["match"] = entry.judge.match;
  return key;
}

std::string TaskSet::protocol(size_t i) const {
  const Json details = task_protocol(files_[i], prompts(i, nullptr), {});
  std::string left_out;
  for (const auto& [reason, n] : files_[i].left_out)
    left_out += fmt::format("; {} rows left out, {}", n, reason);
  std::string text =
      fmt::format("{} items of {}{}; examples: {}; {}; {}.", files_[i].items.size(),
                  entries_[i].data.filename().string(), left_out, details.at("shots").get<std::string>(),
                  entries_[i].chat_template ? "in the model's chat template" : "plain text",
                  details.at("scored").get<std::string>());
  for (const std::string& remark : remarks_[i]) text += " " + remark + ".";
  return text;
}

TaskResult TaskSet::answer(size_t i, const LoadedModel& loaded, const Candidate& candidate,
                           const std::string& label) const {
  return run_task({candidate, loaded.tokenizer()}, files_[i], prompts(i, &loaded), label);
}

TaskMeasurement TaskSet::run(size_t i, const LoadedModel& loaded, ComputeMode compute,
                             const std::string& stage) const {
  TaskResult result = answer(i, loaded, {.model = &loaded.model(), .compute = compute},
                             fmt::format("{}: {}", stage, entries_[i].name));
  TaskMeasurement out{.metrics = std::move(result.metrics),
                      .further = {},
                      .correct = {},
                      .answers = {},
                      .n_truncated = result.n_truncated,
                      .seconds = result.seconds};
  for (const Calibration& calibration : calibrations(result, seed_)) {
    out.further.emplace_back("ece" + calibration.suffix, calibration.ece);
    out.further.emplace_back("brier" + calibration.suffix, calibration.brier);
  }
  for (size_t k = 0; k < result.items.size(); ++k) {
    out.correct.push_back(result.items[k].correct ? 1 : 0);
    out.answers.push_back(shown_answer(*files_[i].task, files_[i].items[k], result.items[k]));
  }
  return out;
}

}  // namespace hone
