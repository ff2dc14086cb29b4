// Results of a task for people and programs: numbers as JSON, and a line of JSON for each item.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "eval/paired.h"

namespace hone {

nlohmann::ordered_json to_json(const Estimate& estimate);
nlohmann::ordered_json to_json(const Flips& flips);
// Metrics by name.
nlohmann::ordered_json to_json(const std::vector<TaskMetric>& metrics);
// JSON Lines: task, line, category, prompt's end, answer, prediction, log-likelihoods, margin, correct; with
// a reference also its prediction and whether the item flipped.
std::string detail_lines(const TaskResult& result, const TaskResult* reference);

}  // namespace hone
