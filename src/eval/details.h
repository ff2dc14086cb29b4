// Results of a task for people and programs: numbers as JSON, and a line of JSON for each item.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "eval/by_category.h"
#include "eval/paired.h"

namespace hone {

nlohmann::ordered_json to_json(const Estimate& estimate);
nlohmann::ordered_json to_json(const Flips& flips);
// Metrics by name.
nlohmann::ordered_json to_json(const std::vector<TaskMetric>& metrics);
nlohmann::ordered_json to_json(const std::vector<CategoryScore>& categories);
// JSON Lines: task, line, category, prompt's end and hash, right answer, what was answered (prediction with
// log-likelihoods and margin, or the text written and what of it was compared), correct, scores; with a
// reference also what it answered and whether the item flipped.
std::string detail_lines(const TaskResult& result, const TaskResult* reference);

}  // namespace hone
