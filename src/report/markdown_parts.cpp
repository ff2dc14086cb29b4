#include "report/markdown_parts.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "report/columns.h"
#include "report/proof_rows.h"
#include "report/text.h"

namespace hone::markdown {

// One line with every character that Markdown or HTML could act on escaped.
std::string inline_text(const std::string& text) {
  std::string out;
  for (const char c : single_line(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~#>@").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string stage_rows(const RunReport& report) {
  const std::vector<layout::Column> columns = layout::stage_columns(report);
  std::string head = "|", rule = "|";
  for (const layout::Column& column : columns) {
    head += " " + inline_text(column.title) +
            (column.unit.empty() ? "" : " (" + inline_text(column.unit) + ")") + " |";
    rule += column.numeric ? "---:|" : "---|";
  }
  std::string out = head + "\n" + rule + "\n";
  for (const StageResult& stage : report.stages) {
    out += "|";
    for (const layout::Column& column : columns) {
      const layout::Cell cell = column.cell(stage);
      const bool extra = column.numeric && !cell.minor.empty();
      const bool interval = cell.minor.find("\u00B1") == std::string::npos;
      out += " " + inline_text(cell.main.empty() ? std::string(layout::kAbsent) : cell.main);
      if (extra) out += interval ? " (" + inline_text(cell.minor) + ")" : " " + inline_text(cell.minor);
      out += " |";
    }
    out += "\n";
  }
  return out;
}

namespace {

std::string table_text(const layout::TextRows& rows) {
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    out += "|";
    for (const std::string& cell : rows[r]) out += " " + inline_text(cell) + " |";
    out += "\n";
    if (r > 0) continue;
    out += "|";
    for (size_t i = 0; i < rows[0].size(); ++i) out += "---|";
    out += "\n";
  }
  return out;
}

}  // namespace

std::string proof_text(const RunReport& report) {
  std::string out;
  if (!report.gates.empty())
    out += fmt::format("\n### What the recipe promised\n\n{}\n\n{}",
                       inline_text(layout::gates_sentence(report)), table_text(layout::gate_rows(report)));
  if (!report.repairs.empty()) out += "\n### What was tried\n\n" + table_text(layout::repair_rows(report));
  for (const TaskTable& table : report.tasks)
    out += fmt::format("\n### {}\n\n{}\n\n{}", inline_text(layout::task_heading(table)),
                       inline_text(table.protocol), table_text(layout::task_rows(report, table)));
  for (const TaskTable& table : report.tasks)
    if (const layout::TextRows rows = layout::category_rows(table); !rows.empty())
      out += fmt::format("\n### {}, by category\n\n{}", inline_text(table.name), table_text(rows));
  if (const layout::TextRows rows = layout::speed_rows(report); !rows.empty())
    out += "\n### What it takes to run\n\n" + table_text(rows);
  if (!report.rarity.empty())
    out += "\n### Loss on rare words\n\n" + table_text(layout::rarity_table(report));
  if (!report.risks.empty()) out += "\n### Risks of tuning\n\n" + table_text(layout::risk_rows(report));
  if (!report.loss_parts.empty())
    out += "\n### Where the loss comes from\n\n" + table_text(layout::part_rows(report));
  return out;
}

}  // namespace hone::markdown
