// How the kinds of tasks are scored, for task_run.cpp.
#pragma once

#include "eval/task_run.h"

namespace hone {

// kChoice and kLastWord.
TaskResult score_choices(const TaskModel& model, const TaskFile& file, const Prompts& prompts, uint64_t seed,
                         const std::string& label);
// kWritten.
TaskResult score_written(const TaskModel& model, const TaskFile& file, const Prompts& prompts,
                         const PromptOptions& options, const std::string& label);
// How much a text may have and where it ends: the options', else the task's.
size_t max_tokens_of(const Task& task, const PromptOptions& options);
std::vector<std::string> stops_of(const Task& task, const PromptOptions& options);

}  // namespace hone
