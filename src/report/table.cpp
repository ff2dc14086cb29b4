// The stage table for a terminal: whole columns are dropped, the least important first, until it fits.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "report/columns.h"
#include "report/report.h"
#include "report/text.h"

namespace hone {
namespace {

constexpr int kDefaultWidth = 80, kGap = 2, kMostNameColumns = 24;

struct TextColumn {
  std::vector<std::string> cells;  // header first
  int width = 0, importance = 0;
  bool numeric = true;
};

// Terminals differ on no-break spaces in width and in copied text; plain ones are safe.
std::string plain_spaces(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool wide = text.starts_with("\u00A0"), thin = text.starts_with("\u202F");
    out += wide || thin ? ' ' : text.front();
    text.remove_prefix(wide ? 2 : thin ? 3 : 1);  // their lengths in UTF-8
  }
  return out;
}

TextColumn text_column(const layout::Column& column, const RunReport& report) {
  TextColumn out;
  out.importance = column.importance;
  out.numeric = column.numeric;
  out.cells.push_back(column.short_title);
  for (const StageResult& stage : report.stages) {
    const layout::Cell cell = column.cell(stage);
    std::string text = cell.main.empty() ? std::string(layout::kAbsent) : cell.main;
    if (column.error_in_terminal && !cell.minor.empty()) text.append(" ").append(cell.minor);
    out.cells.push_back(layout::fit_columns(plain_spaces(text), kMostNameColumns));
  }
  for (const std::string& cell : out.cells) out.width = std::max(out.width, layout::display_width(cell));
  return out;
}

int total_width(const std::vector<TextColumn>& columns) {
  int total = 0;
  for (const TextColumn& column : columns) total += column.width + kGap;
  return total - kGap;
}

std::string line_of(const std::vector<TextColumn>& columns, size_t row, int width) {
  std::string line;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& cell = columns[i].cells[row];
    const auto pad = static_cast<size_t>(columns[i].width - layout::display_width(cell));
    if (i > 0) line.append(kGap, ' ');
    if (columns[i].numeric) line.append(pad, ' ');
    line.append(cell);
    if (!columns[i].numeric) line.append(pad, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return layout::fit_columns(line, width) + "\n";
}

}  // namespace

std::string render_table(const RunReport& report, int width) {
  if (width < 1) width = kDefaultWidth;
  std::vector<TextColumn> columns;
  for (const layout::Column& column : layout::stage_columns(report))
    columns.push_back(text_column(column, report));
  while (columns.size() > 1 && total_width(columns) > width) {
    columns.erase(std::min_element(
        columns.begin(), columns.end(),
        [](const TextColumn& a, const TextColumn& b) { return a.importance < b.importance; }));
  }
  std::string out = line_of(columns, 0, width);
  for (int i = 0; i < std::min(total_width(columns), width); ++i) out += "\u2500";
  out += "\n";
  for (size_t row = 1; row <= report.stages.size(); ++row) out += line_of(columns, row, width);
  return out;
}

}  // namespace hone
