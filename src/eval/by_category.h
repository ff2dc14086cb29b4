// A task's first metric by the items' category.
#pragma once

#include <string>
#include <vector>

#include "eval/task_run.h"

namespace hone {

struct CategoryScore {
  std::string name;  // "" for items without one
  Estimate estimate;
};
// In the order of names, numbers in them by value ("2 steps" before "10 steps"). Empty when the items have
// fewer than two categories.
std::vector<CategoryScore> by_category(const TaskResult& result, uint64_t seed);
// Of a metric's values, one for each item of the file.
std::vector<CategoryScore> by_category(const TaskFile& file, const std::vector<double>& item_values,
                                       uint64_t seed);

}  // namespace hone
