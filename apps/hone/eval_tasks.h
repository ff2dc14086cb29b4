// The tasks of `hone eval`: options, and what is printed of results.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "eval/by_category.h"
#include "eval/details.h"
#include "pipeline/task_set.h"

namespace hone::cli {

struct TaskOptions {
  std::vector<std::string> names, data, shots_data;
  size_t shots = 0;
  bool chat_template = false;
  std::string details;
  std::optional<size_t> max_tokens;  // of tasks that are answered by writing, as those that follow
  std::vector<std::string> stop;
  JudgeOptions judge;
  std::string command;

  void declare(CLI::App& app);
  // The tasks, under their names, with the file's where a task stands twice; limit: only the first items.
  std::vector<RecipeTask> entries(size_t limit) const;
  // Takes apart what the options say in texts of their own; throws kInvalidArgument for options that have no
  // task.
  void check();
  // Every file that is read; throws kInvalidArgument when tasks and files do not pair.
  std::vector<std::string> files() const;
};

// A model of the call, as it computes.
struct Side {
  const LoadedModel& loaded;
  Candidate candidate;
};
// Runs each task on the model and, when given, the reference. Adds to `json` (key "tasks"), to `metrics`
// under "TASK.METRIC" and to `text`; writes the details where `details` names a file.
void run_tasks(const TaskSet& tasks, const Side& model, const Side* reference, const std::string& details,
               Json& json, Json& metrics, std::string& text);

}  // namespace hone::cli
