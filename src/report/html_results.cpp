// The table of stages.
#include <fmt/format.h>

#include <cmath>

#include "report/columns.h"
#include "report/html_parts.h"
#include "report/text.h"

namespace hone::layout {
namespace {

std::string head_cell(const Column& column) {
  return fmt::format("<th scope=\"col\"{}title=\"{}\">{}{}</th>\n", column.numeric ? " class=\"n\" " : " ",
                     escape_html(column.help), escape_html(column.title),
                     column.unit.empty() ? "" : "<small>" + escape_html(column.unit) + "</small>");
}

std::string body_cell(const Column& column, const StageResult& stage, bool first) {
  const Cell cell = column.cell(stage);
  const std::string minor = cell.minor.empty() ? "" : "<small>" + escape_html(cell.minor) + "</small>";
  if (first) {
    return fmt::format("<th scope=\"row\"><span class=\"name\">{}</span>{}</th>\n", escape_html(cell.main),
                       minor);
  }
  const bool failed = column.title == "Status" && stage.status == "failed";
  const std::string sorted = std::isfinite(cell.sort) ? fmt::format(" data-v=\"{:.9g}\"", cell.sort) : "";
  return fmt::format("<td{}{}>{}{}</td>\n",
                     column.numeric ? " class=\"n\""
                     : failed       ? " class=\"failed\""
                                    : "",
                     sorted, escape_html(cell.main.empty() ? std::string(kAbsent) : cell.main), minor);
}

std::string column_help(const std::vector<Column>& columns) {
  std::string out = "<details><summary>What the columns mean</summary>\n<dl class=\"terms\">\n";
  for (const Column& column : columns) {
    out += fmt::format("<dt>{}{}</dt><dd>{}</dd>\n", escape_html(column.title),
                       column.unit.empty() ? "" : " <span>" + escape_html(column.unit) + "</span>",
                       escape_html(column.help));
  }
  return out + "</dl></details>\n";
}

}  // namespace

std::string stages_section(const RunReport& report) {
  if (report.stages.empty()) return "";
  const std::vector<Column> columns = stage_columns(report);
  std::string out =
      "<p class=\"about\">Each row is the model after one more step, measured on the same questions and the "
      "same "
      "text. The small figure after \u00B1 is the standard error.</p>\n"
      "<div class=\"scroll wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"stages\">\n"
      "<table class=\"stages sortable\">\n<thead><tr>\n";
  for (const Column& column : columns) out += head_cell(column);
  out += "</tr></thead>\n<tbody>\n";
  for (const StageResult& stage : report.stages) {
    out += "<tr>\n";
    for (size_t i = 0; i < columns.size(); ++i) out += body_cell(columns[i], stage, i == 0);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n</div>\n" + column_help(columns) + basis_section(report);
}

}  // namespace hone::layout
