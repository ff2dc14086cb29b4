// The report for a pull request: the same content, compact. Free text goes into table cells with its markup
// disarmed, or into code fences longer than any fence inside it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/facts.h"
#include "report/markdown_parts.h"
#include "report/report.h"
#include "report/text.h"

namespace hone {
namespace {

using markdown::inline_text;

std::string fenced(const std::string& text, const char* language) {
  const std::string body = clean_text(text);
  size_t longest = 2, run = 0;
  for (const char c : body) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, body, body.ends_with('\n') ? "" : "\n", fence);
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
  if (!report.stages.empty()) out += "\n" + markdown::stage_rows(report);
  out += markdown::proof_text(report);
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
