// Two records of the ledger side by side.
#pragma once

#include "ledger/ledger.h"
#include "report/comparison.h"

namespace hone {

// A recipe's settings by name ("[tune] rank") as text; comments and order do not count.
std::vector<std::pair<std::string, std::string>> recipe_settings(const std::string& recipe);
// Throws kCorruption when a recorded report is not one. Intervals of the differences are pipeline/paired.h's.
RunComparison compare_runs(const RunRecord& a, const RunRecord& b);

}  // namespace hone
