#include "ledger/compare.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>

#include "base/error.h"
#include "report/report.h"

namespace hone {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The line up to a comment; a # between quotes is none.
std::string without_comment(const std::string& line) {
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == '\\' && quote == '"')
        ++i;
      else if (line[i] == quote)
        quote = 0;
    } else if (line[i] == '"' || line[i] == '\'') {
      quote = line[i];
    } else if (line[i] == '#') {
      return line.substr(0, i);
    }
  }
  return line;
}

// A key with the = behind it, and not a line in the middle of a value.
bool is_setting(const std::string& line, size_t equals) {
  if (equals == std::string::npos) return false;
  const std::string key = trimmed(line.substr(0, equals));
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

void add_differences(const Pairs& a, const Pairs& b, std::vector<ComparedSetting>& out) {
  const auto value = [](const Pairs& pairs, const std::string& name) {
    const auto found =
        std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == name; });
    return found == pairs.end() ? std::string() : found->second;
  };
  for (const auto& [name, text] : a) {
    if (const std::string other = value(b, name); other != text) out.push_back({name, text, other});
  }
  for (const auto& [name, text] : b) {
    if (value(a, name).empty() && !text.empty()) out.push_back({name, "", text});
  }
}

// What is outside the recipe. Inputs by their place in the list, so that the same data elsewhere are the
// same.
Pairs surroundings(const RunRecord& record) {
  Pairs all = {{"command", record.command},
               {"model", record.model},
               {"machine", record.machine},
               {"hone version", record.hone_version}};
  for (size_t i = 0; i < record.inputs.size(); ++i) {
    const RecordedFile& file = record.inputs[i];
    all.emplace_back("input " + std::to_string(i + 1),
                     file.hash.empty() ? file.path : file.path + " (" + file.hash.substr(0, 12) + ")");
  }
  return all;
}

RunReport recorded_report(const RunRecord& record) {
  if (record.report.empty()) return {};
  try {
    return from_json(nlohmann::ordered_json::parse(record.report));
  } catch (const std::exception& problem) {
    fail(ErrorCode::kCorruption, "ledger: run {}: its recorded results cannot be read: {}", record.id,
         problem.what());
  }
}

ComparedRun compared(const RunRecord& record) {
  return {.id = record.id,
          .started = record.started,
          .command_line = record.command_line,
          .model = record.model,
          .status = record.status,
          .report = recorded_report(record)};
}

}  // namespace

Pairs recipe_settings(const std::string& recipe) {
  Pairs all;
  std::string section;
  std::map<std::string, size_t> tables;
  std::istringstream lines(recipe);
  for (std::string raw; std::getline(lines, raw);) {
    const std::string line = trimmed(without_comment(raw));
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (is_setting(line, equals)) {
      all.emplace_back(section + trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    } else if (line.front() == '[' && line.back() == ']' && line.find_first_of("\"',") == std::string::npos) {
      // Of a list of tables, which one: the first, the second, ….
      const bool listed = line.starts_with("[[");
      section = listed ? fmt::format("{} {} ", line, ++tables[line]) : line + " ";
    } else if (!all.empty()) {
      all.back().second += " " + line;  // a value of several lines
    }
  }
  return all;
}

RunComparison compare_runs(const RunRecord& a, const RunRecord& b) {
  RunComparison result{
      .a = compared(a), .b = compared(b), .settings = {}, .metrics = {}, .notes = {}, .hone_version = {}};
  add_differences(recipe_settings(a.recipe), recipe_settings(b.recipe), result.settings);
  add_differences(surroundings(a), surroundings(b), result.settings);
  for (const RecordedMetric& m : a.metrics) {
    for (const RecordedMetric& n : b.metrics) {
      if (m.stage != n.stage || m.name != n.name) continue;
      result.metrics.push_back(
          {m.stage, m.name, {m.value, m.low, m.high}, {n.value, n.low, n.high}, {n.value - m.value, {}, {}}});
      break;
    }
  }
  return result;
}

}  // namespace hone
