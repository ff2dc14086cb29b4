// Tasks of a recipe or a command: their files, read before anything runs, and what a model answered to them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/task_run.h"
#include "pipeline/loaded_model.h"
#include "pipeline/recipe.h"

namespace hone {

// A task answered by one stage, item by item, in a form that is stored.
struct TaskMeasurement {
  std::vector<TaskMetric> metrics;                        // the first is the task's own
  std::vector<std::pair<std::string, Estimate>> further;  // "ece", "brier": of all items together
  std::vector<uint8_t> correct;                           // by the task's first metric
  std::vector<std::string> answers;  // as a reader understands them; empty where there is none
  uint64_t n_truncated = 0;
  double seconds = 0;
};
nlohmann::ordered_json to_json(const TaskMeasurement& measurement);
// Throws nlohmann's exceptions when the JSON has another shape.
TaskMeasurement task_measurement_from_json(const nlohmann::ordered_json& json);

class TaskSet {
 public:
  TaskSet() = default;
  // Throws what read_task_file() and the tasks' judges throw.
  TaskSet(std::vector<RecipeTask> entries, uint64_t seed);
  explicit TaskSet(const Recipe& recipe) : TaskSet(recipe.eval.tasks, recipe.seed) {}

  size_t size() const noexcept { return entries_.size(); }
  uint64_t seed() const noexcept { return seed_; }
  const RecipeTask& entry(size_t i) const { return entries_[i]; }
  const TaskFile& file(size_t i) const { return files_[i]; }
  // All that the answers depend on but the model.
  nlohmann::ordered_json key(size_t i) const;
  // Items, rows that were left out, examples, template, how answers are scored, what is judged otherwise.
  std::string protocol(size_t i) const;
  // loaded: whose chat template is asked in, where the task wants one; nullptr: only to tell of the prompts.
  PromptOptions prompts(size_t i, const LoadedModel* loaded) const;
  // candidate: of `loaded`.
  TaskResult answer(size_t i, const LoadedModel& loaded, const Candidate& candidate,
                    const std::string& label) const;
  TaskMeasurement run(size_t i, const LoadedModel& loaded, ComputeMode compute,
                      const std::string& stage) const;

 private:
  std::vector<RecipeTask> entries_;
  std::vector<TaskFile> files_, shots_;            // shots_: no task where an entry has none
  std::vector<std::vector<std::string>> remarks_;  // what of a task cannot be judged as defined
  uint64_t seed_ = 42;
};

}  // namespace hone
