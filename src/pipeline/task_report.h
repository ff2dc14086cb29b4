// Tasks of the stages, compared item by item, for the report.
#pragma once

#include "pipeline/run_report.h"

namespace hone {

// Adds TASK.METRIC to every stage's metrics (with the values per item of the first), and report.tasks:
// tuned and rival against base, merged against tuned, files against merged.
void fill_tasks(std::vector<MeasuredStage>& stages, const TaskSet& tasks, RunReport& report);

// a - b in the task's first metric, paired over items.
Estimate task_difference(const TaskMeasurement& a, const TaskMeasurement& b);

}  // namespace hone
