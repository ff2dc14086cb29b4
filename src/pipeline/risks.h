// Risks of tuning, measured once for a run: overfitting, answers known by heart, drift, and test data that
// was trained on.
#pragma once

#include "pipeline/measure_stages.h"
#include "report/results.h"

namespace hone {

// Cached by content. The training chats are as many as the held-out ones, spread over the file.
std::vector<RiskRow> measure_risks(RunContext& run, const StageModel& base, const StageModel& tuned);

}  // namespace hone
