#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "report/html_parts.h"
#include "report/text.h"

namespace hone {
namespace {

using layout::escape_html;
using layout::single_line;
using Json = nlohmann::ordered_json;

// Wide enough to tell two runs apart, and never an exponent.
std::string number(double value) {
  return layout::format_trimmed(value, 6);
}

std::string signed_number(double value) {
  const std::string text = number(value);
  return (value > 0 && std::isdigit(static_cast<unsigned char>(text[0])) != 0 ? "+" : "") + text;
}

std::string relative(const ComparedMetric& metric) {
  const double base = std::fabs(metric.a.value);
  if (!(base > 0)) return std::string(layout::kAbsent);
  const double percent = (metric.b.value - metric.a.value) / base * 100;
  return (percent > 0 ? "+" : "") + layout::format_fixed(percent, 2) + " %";
}

std::string run_name(const ComparedRun& run) {
  return fmt::format("run {}", run.id);
}

std::string shown(const std::string& value) {
  return value.empty() ? std::string(layout::kAbsent) : single_line(value);
}

// Text in columns: the first left-aligned, the others to the right when they hold numbers.
std::string columns(const std::vector<std::vector<std::string>>& rows, bool numbers) {
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

std::vector<std::vector<std::string>> metric_rows(const RunComparison& c) {
  std::vector<std::vector<std::string>> rows = {
      {"metric", run_name(c.a), run_name(c.b), "difference", "relative"}};
  for (const ComparedMetric& m : c.metrics)
    rows.push_back({single_line(m.stage + " " + m.name), number(m.a.value), number(m.b.value),
                    signed_number(m.b.value - m.a.value), relative(m)});
  return rows;
}

std::vector<std::vector<std::string>> setting_rows(const RunComparison& c) {
  std::vector<std::vector<std::string>> rows = {{"setting", run_name(c.a), run_name(c.b)}};
  for (const ComparedSetting& s : c.settings) rows.push_back({single_line(s.name), shown(s.a), shown(s.b)});
  return rows;
}

std::string html_table(const std::vector<std::vector<std::string>>& rows, bool numbers) {
  std::string html = "<div class=\"scroll\" tabindex=\"0\"><table class=\"stages\">\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    html += r == 0 ? "<thead><tr>" : r == 1 ? "<tbody>\n<tr>" : "<tr>";
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const char* tag = r == 0 || i == 0 ? "th" : "td";
      const char* scope = r == 0 ? " scope=\"col\"" : i == 0 ? " scope=\"row\"" : "";
      html += fmt::format("<{}{}{}>{}</{}>", tag, scope, numbers && i > 0 ? " class=\"n\"" : "",
                          escape_html(rows[r][i]), tag);
    }
    html += r == 0 ? "</tr></thead>\n" : "</tr>\n";
  }
  return html + (rows.size() > 1 ? "</tbody>\n" : "") + "</table></div>\n";
}

std::string run_line(const ComparedRun& run) {
  return fmt::format("{}: {} UTC, {}: {}", run_name(run), run.started, run.status,
                     single_line(run.command_line));
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

std::string render_html(const RunComparison& c) {
  const std::string title = fmt::format("Runs {} and {}", c.a.id, c.b.id);
  std::string body = fmt::format("<header>\n<p class=\"eyebrow\">hone comparison</p>\n<h1>{}</h1>\n", title);
  for (const ComparedRun* run : {&c.a, &c.b})
    body += fmt::format("<p class=\"byline\">{}</p>\n", escape_html(run_line(*run)));
  body += "</header>\n<section>\n<h2>What they measured</h2>\n";
  body += c.metrics.empty() ? "<p>The two runs have no metric in common.</p>\n"
                            : html_table(metric_rows(c), true);
  body += "</section>\n<section>\n<h2>What was different</h2>\n";
  body +=
      c.settings.empty() ? "<p>Nothing that the ledger knows of.</p>\n" : html_table(setting_rows(c), false);
  body += "</section>\n";
  return layout::page(title, body, c.hone_version);
}

std::string render_table(const RunComparison& c) {
  std::string text = run_line(c.a) + "\n" + run_line(c.b) + "\n\n";
  text += c.settings.empty() ? "no setting, input or machine differs\n" : columns(setting_rows(c), false);
  text += "\n";
  return text + (c.metrics.empty() ? "no metric in common\n" : columns(metric_rows(c), true));
}

Json to_json(const RunComparison& c) {
  Json json = {
      {"a", run_json(c.a)}, {"b", run_json(c.b)}, {"settings", Json::array()}, {"metrics", Json::array()}};
  for (const ComparedSetting& s : c.settings)
    json["settings"].push_back({{"name", s.name}, {"a", s.a}, {"b", s.b}});
  for (const ComparedMetric& m : c.metrics)
    json["metrics"].push_back({{"stage", m.stage},
                               {"name", m.name},
                               {"a", value_json(m.a)},
                               {"b", value_json(m.b)},
                               {"difference", m.b.value - m.a.value}});
  return json;
}

}  // namespace hone
