// The tasks of `hone eval`: options, and what is printed of results.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "eval/by_category.h"
#include "eval/details.h"
#include "pipeline/loaded_model.h"

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
  // Of task i: its name, with the file's where a task stands twice.
  std::string key(size_t i) const;
  // Takes apart what the options say in texts of their own; throws kInvalidArgument for options that have no
  // task.
  void check();
  // Every file that is read; throws kInvalidArgument when tasks and files do not pair.
  std::vector<std::string> files() const;
};

// Reads all files before any model runs.
class TaskSets {
 public:
  TaskSets(const TaskOptions& options, size_t limit);
  bool empty() const noexcept { return files_.empty(); }

  struct Side {
    const LoadedModel& loaded;
    Candidate candidate;
  };
  // Runs each task on the model and, when given, the reference. Adds to `json` (key "tasks"), to `metrics`
  // under "TASK.METRIC" and to `text`; writes the details.
  void run(const Side& model, const Side* reference, uint64_t seed, Json& json, Json& metrics,
           std::string& text) const;

 private:
  PromptOptions prompts(size_t i, const LoadedModel& loaded, uint64_t seed) const;

  const TaskOptions& options_;
  std::vector<TaskFile> files_, shots_;
};

}  // namespace hone::cli
