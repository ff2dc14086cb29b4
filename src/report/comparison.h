// Two runs side by side: plain structs, filled by ledger/, and their three forms. Computes nothing but
// differences.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/results.h"

namespace hone {

struct ComparedValue {
  double value = 0;
  std::optional<double> low{}, high{};  // 95 % interval
};
struct ComparedMetric {
  std::string stage, name;
  ComparedValue a, b;
  // b - a, with its paired interval when both runs scored the same documents.
  ComparedValue difference;
};
// Something that was not the same: a setting of the recipe, an input, the machine. Empty: absent.
struct ComparedSetting {
  std::string name, a, b;
};
struct ComparedRun {
  int64_t id = 0;
  std::string started, command_line, model, status;
  RunReport report;  // what was recorded of its results; its stages are empty when nothing was
};
struct RunComparison {
  ComparedRun a, b;
  std::vector<ComparedSetting> settings;  // only those that differ
  std::vector<ComparedMetric> metrics;    // only those that both have
  std::vector<std::string> notes;         // why a difference has no interval, and how those there were made
  std::string hone_version;
};

std::string render_html(const RunComparison& comparison);   // one self-contained page, as the report
std::string render_table(const RunComparison& comparison);  // for the terminal
nlohmann::ordered_json to_json(const RunComparison& comparison);

}  // namespace hone
