// How the kinds of tasks are scored, for task_run.cpp.
#pragma once

#include "eval/task_run.h"

namespace hone {

// kChoice and kLastWord.
TaskResult score_choices(const TaskModel& model, const TaskFile& file, const Prompts& prompts, uint64_t seed,
                         const std::string& label);

}  // namespace hone
