// Two runs side by side for the terminal, and as JSON. The page is in html_comparison.cpp.
#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/comparison_rows.h"
#include "report/text.h"

namespace hone {
namespace {

using layout::metric_rows;
using layout::run_line;
using layout::setting_rows;
using layout::TextRows;
using Json = nlohmann::ordered_json;

// Text in columns: the first left-aligned, the others to the right when they hold numbers.
std::string columns(const TextRows& rows, bool numbers) {
  std::vector<int> width;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == width.size()) width.push_back(0);
      width[i] = std::max(width[i], layout::display_width(row[i]));
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(static_cast<size_t>(width[i] - layout::display_width(row[i])), ' ');
      line += (i == 0 ? "" : "  ") + (numbers && i > 0 ? pad + row[i] : row[i] + pad);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Json value_json(const ComparedValue& value) {
  Json json = {{"value", value.value}};
  if (value.low) json["low"] = *value.low;
  if (value.high) json["high"] = *value.high;
  return json;
}

Json run_json(const ComparedRun& run) {
  return {{"id", run.id},
          {"started", run.started},
          {"command_line", run.command_line},
          {"model", run.model},
          {"status", run.status}};
}

}  // namespace

std::string render_table(const RunComparison& c) {
  std::string text = run_line(c.a) + "\n" + run_line(c.b) + "\n\n";
  text += c.settings.empty() ? "no setting, input or machine differs\n" : columns(setting_rows(c), false);
  text += "\n";
  text += c.metrics.empty() ? "no metric in common\n" : columns(metric_rows(c), true);
  for (const std::string& note : c.notes) text += "\n" + single_line(note);
  return text + (c.notes.empty() ? "" : "\n");
}

Json to_json(const RunComparison& c) {
  Json json = {
      {"a", run_json(c.a)}, {"b", run_json(c.b)}, {"settings", Json::array()}, {"metrics", Json::array()}};
  for (const ComparedSetting& s : c.settings)
    json["settings"].push_back({{"name", s.name}, {"a", s.a}, {"b", s.b}});
  for (const ComparedMetric& m : c.metrics) {
    json["metrics"].push_back({{"stage", m.stage},
                               {"name", m.name},
                               {"a", value_json(m.a)},
                               {"b", value_json(m.b)},
                               {"difference", m.difference.value}});
    if (m.difference.low) json["metrics"].back()["difference_low"] = *m.difference.low;
    if (m.difference.high) json["metrics"].back()["difference_high"] = *m.difference.high;
  }
  json["notes"] = c.notes;
  return json;
}

}  // namespace hone
