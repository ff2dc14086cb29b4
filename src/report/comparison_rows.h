// A comparison as rows of text, the first of them the head: what the terminal and the page show alike.
#pragma once

#include <string>
#include <vector>

#include "report/comparison.h"

namespace hone::layout {

using TextRows = std::vector<std::vector<std::string>>;

std::string run_name(const ComparedRun& run);  // "run 3"
std::string run_line(const ComparedRun& run);  // "run 3: 2026-01-31 12:00:05 UTC, finished: hone run …"
TextRows metric_rows(const RunComparison& c);
TextRows setting_rows(const RunComparison& c);
bool has_interval(const ComparedMetric& metric);             // of the difference
std::string difference_range(const ComparedMetric& metric);  // "−0.031 to 0.012", or an en dash
std::string signed_number(double value);

}  // namespace hone::layout
