// The report for a pull request: the same content, compact. Free text goes into table cells with its markup
// disarmed, or into code fences longer than any fence inside it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/facts.h"
#include "report/proof_rows.h"
#include "report/report.h"
#include "report/text.h"

namespace hone {
namespace {

// One line with every character that Markdown or HTML could act on escaped.
std::string inline_text(const std::string& text) {
  std::string out;
  for (const char c : layout::single_line(text)) {
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

std::string fenced(const std::string& text, const char* language) {
  const std::string body = layout::clean_text(text);
  size_t longest = 2, run = 0;
  for (const char c : body) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, body, body.ends_with('\n') ? "" : "\n", fence);
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

std::string proof_text(const RunReport& report) {
  std::string out;
  if (!report.gates.empty())
    out += fmt::format("\n### What the recipe promised\n\n{}\n\n{}",
                       inline_text(layout::gates_sentence(report)), table_text(layout::gate_rows(report)));
  if (!report.repairs.empty()) out += "\n### What was tried\n\n" + table_text(layout::repair_rows(report));
  for (const TaskTable& table : report.tasks)
    out += fmt::format("\n### {}\n\n{}\n\n{}", inline_text(layout::task_heading(table)),
                       inline_text(table.protocol), table_text(layout::task_rows(report, table)));
  if (!report.loss_parts.empty())
    out += "\n### Where the loss comes from\n\n" + table_text(layout::part_rows(report));
  return out;
}

std::string loss_line(const RunReport& report) {
  const LossPoint *first = nullptr, *last = nullptr, *best = nullptr;
  for (const LossPoint& point : report.loss_curve) {
    if (std::isfinite(point.train_loss)) {
      if (first == nullptr) first = &point;
      last = &point;
    }
    if (point.valid_loss && std::isfinite(*point.valid_loss) &&
        (!best || *point.valid_loss < *best->valid_loss)) {
      best = &point;
    }
  }
  std::string out;
  if (first != nullptr) {
    out +=
        fmt::format("Training loss {} at step {}, {} at step {}.", layout::format_number(first->train_loss),
                    first->step, layout::format_number(last->train_loss), last->step);
  }
  if (best != nullptr) {
    out += fmt::format("{}Lowest validation loss {} at step {}.", out.empty() ? "" : " ",
                       layout::format_number(*best->valid_loss), best->step);
  }
  return out.empty() ? "" : "\n" + out + "\n";
}

std::string folded(const std::string& title, const std::string& body) {
  return fmt::format("\n<details><summary>{}</summary>\n\n{}\n</details>\n", title, body);
}

std::string facts_list(const RunReport& report) {
  std::string out;
  for (const auto& [name, value] : layout::run_facts(report)) {
    out += fmt::format("- {}: {}\n", inline_text(name), inline_text(value));
  }
  std::string settings;
  for (const auto& [name, value] : report.tuning) {
    settings += fmt::format("{}{} {}", settings.empty() ? "" : ", ", inline_text(name), inline_text(value));
  }
  if (!settings.empty()) out += "- Tuning settings: " + settings + "\n";
  return out;
}

std::string examples_text(const RunReport& report) {
  std::string out;
  for (const ExampleAnswers& example : report.examples) {
    out += fmt::format("**{}**\n\n", inline_text(example.question));
    if (!example.reference.empty()) out += "Reference:\n" + fenced(example.reference, "text");
    for (const auto& [stage, text] : example.answers) {
      out += fmt::format("\n{}:\n{}", inline_text(stage), fenced(text, "text"));
    }
    out += "\n";
  }
  return out;
}

std::string repeat_text(const RunReport& report) {
  std::string out;
  if (!report.command.empty()) out += fenced(report.command, "sh");
  if (!report.recipe_text.empty()) out += "\n" + fenced(report.recipe_text, "toml");
  if (!report.next_commands.empty()) {
    std::string commands;
    for (const std::string& command : report.next_commands) commands += command + "\n";
    out += "\nNext:\n" + fenced(commands, "sh");
  }
  return out;
}

}  // namespace

std::string render_markdown(const RunReport& report) {
  std::string out = fmt::format("## {}\n\n{}\n", inline_text(report.name.empty() ? "Run" : report.name),
                                inline_text(summary_text(report)));
  if (!report.stages.empty()) out += "\n" + stage_rows(report);
  out += proof_text(report);
  out += loss_line(report);
  if (!report.notes.empty()) {
    out += "\n";
    for (const std::string& note : report.notes) out += "- " + inline_text(note) + "\n";
  }
  if (const std::string facts = facts_list(report); !facts.empty()) out += folded("What was done", facts);
  if (const std::string repeat = repeat_text(report); !repeat.empty())
    out += folded("How to repeat it", repeat);
  if (!report.examples.empty()) out += folded("Example answers", examples_text(report));
  return out;
}

}  // namespace hone
