// From what the stages left to the structs the report renders. Statistics are eval/'s; layout is report/'s.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/measure.h"
#include "pipeline/task_set.h"
#include "report/results.h"

namespace hone {

// A stage that was measured: its row of the table without numbers, and what it was measured at.
struct MeasuredStage {
  StageResult result;
  Measurement measurement;
  std::vector<TaskMeasurement> tasks = {};
  std::optional<ErrorParts> parts = {};
};
Measured measured(const Estimate& estimate);
// The stage that this one was made from; nullptr for the base.
const MeasuredStage* stage_before(const std::vector<MeasuredStage>& stages, const MeasuredStage& stage);
const MeasuredStage* find_stage(const std::vector<MeasuredStage>& stages, std::string_view role);
// a - b per document: its mean is the difference, paired.
std::vector<DocumentScore> differences(const std::vector<DocumentScore>& a,
                                       const std::vector<DocumentScore>& b);

// Which part of each file's loss comes from where; empty without ErrorParts.
std::vector<LossPart> loss_parts(const std::vector<MeasuredStage>& stages);

// The held-out answers' loss by how often their tokens occur in the training answers.
std::vector<RarityRow> rarity_rows(const std::vector<MeasuredStage>& stages);

// Fills metrics, gain_kept and sums of every stage, and what the report says of the pair base and tuned. The
// first stage is the base, "tuned" is the one the gain is measured by.
void fill_metrics(std::vector<MeasuredStage>& stages, const MeasureItems& items, RunReport& report);

// Settings as shown: {"rank", "16"}, …
std::vector<std::pair<std::string, std::string>> tuning_rows(const Recipe& recipe);
std::string perplexity_protocol(const Recipe& recipe);
// Absent where the recipe names no price.
std::optional<RunCost> cost_of(const Recipe::Cost& cost, double seconds);
std::vector<ExampleAnswers> example_rows(const MeasureItems& items, const std::vector<MeasuredStage>& stages);

}  // namespace hone
