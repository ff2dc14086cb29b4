// Promises of a recipe ([gates]), judged on what the stages were measured at. One line in kGates for each
// kind.
#pragma once

#include "pipeline/run_report.h"

namespace hone {

// The kinds, as [gates] names them, with what they mean, for the guide and errors.
struct GateText {
  std::string_view name, meaning;
};
std::vector<GateText> gate_texts();

// Every gate of the recipe on each file it is for. `stages` holds base, tuned, merged and the files; their
// tasks are `tasks`. The first stage is the base.
std::vector<GateResult> judge_gates(const Recipe::Gates& gates, const std::vector<MeasuredStage>& stages,
                                    const TaskSet& tasks);
// Whether it is neither kept nor repaired.
bool is_broken(const GateResult& result);
bool all_passed(const std::vector<GateResult>& results);
// "q4_0: min_gain_kept of answer loss: got 0.81 (0.76 to 0.86), expected at least 0.97"
std::string gate_text(const GateResult& result);

}  // namespace hone
