// How calibrated answers to tasks with choices are shown.
#pragma once

#include "command.h"
#include "eval/task_run.h"

namespace hone::cli {

// Adds to a task's entry ("calibration", and "reference_calibration"), to `metrics` under KEY.ece and
// KEY.brier, and to `text`. Nothing for tasks that have no calibration. reference may be null.
void add_calibration(const TaskResult& result, const TaskResult* reference, const std::string& key,
                     uint64_t seed, Json& entry, Json& metrics, std::string& text);

}  // namespace hone::cli
