// Example answers side by side. Long answers are cut by the style sheet, not here: a check box without script
// shows them whole, and paper always does.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "report/html_parts.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr size_t kShownExamples = 4;
constexpr int kLongAnswer = 300;  // characters that about fill the lines shown of a folded answer
constexpr int kLongLines = 7;

bool is_long(const std::string& text) {
  return display_width(text) > kLongAnswer || std::count(text.begin(), text.end(), '\n') >= kLongLines;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string answer(const std::string& who, const std::string& text, bool reference) {
  const std::string shown = trimmed(text);
  return fmt::format("<div class=\"answer{}\"><h4>{}</h4><div class=\"text\" dir=\"auto\">{}</div></div>\n",
                     reference ? " reference" : "", escape_html(who),
                     shown.empty() ? "<em>empty</em>" : escape_html(shown));
}

// Stages that wrote the same text share one block: "tuned, merged, q8_0". In order of first appearance.
std::vector<std::pair<std::string, std::string>> grouped(const ExampleAnswers& example) {
  std::vector<std::pair<std::string, std::string>> groups;
  for (const auto& [stage, text] : example.answers) {
    // Clang before 16 cannot capture a structured binding by its name.
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&wanted = text](const auto& group) { return group.second == wanted; });
    if (same == groups.end()) {
      groups.emplace_back(single_line(stage), text);
    } else {
      same->first += ", " + single_line(stage);
    }
  }
  return groups;
}

std::string example_block(const ExampleAnswers& example, size_t index) {
  bool fold = is_long(example.reference);
  std::string answers;
  if (!example.reference.empty()) answers += answer("Reference answer", example.reference, true);
  for (const auto& [stages, text] : grouped(example)) {
    answers += answer(stages, text, false);
    fold = fold || is_long(text);
  }
  const std::string question = trimmed(example.question);
  std::string out = "<div class=\"example\">\n";
  if (fold) {
    out += fmt::format(
        "<input class=\"fold\" type=\"checkbox\" id=\"fold-{0}\" aria-label=\"Show the whole answers to "
        "question {1}\">\n",
        index, index + 1);
  }
  out += fmt::format("<h3 dir=\"auto\">{}</h3>\n<div class=\"answers\">\n{}</div>\n",
                     question.empty() ? "(no question)" : escape_html(question), answers);
  if (fold) {
    out += fmt::format(
        "<label class=\"unfold\" for=\"fold-{}\"><span class=\"more\">Show the whole answers</span>"
        "<span class=\"less\">Show less</span></label>\n",
        index);
  }
  return out + "</div>\n";
}

}  // namespace

std::string examples_section(const RunReport& report) {
  if (report.examples.empty()) return "";
  std::string out =
      "<p class=\"about\">Questions held out of training, the reference answer, and what each stage wrote. A "
      "few "
      "examples show the style; the table above is the measurement.</p>\n";
  const size_t shown = std::min(report.examples.size(), kShownExamples);
  for (size_t i = 0; i < shown; ++i) out += example_block(report.examples[i], i);
  if (shown < report.examples.size()) {
    out += fmt::format("<details><summary>{} more</summary>\n", report.examples.size() - shown);
    for (size_t i = shown; i < report.examples.size(); ++i) out += example_block(report.examples[i], i);
    out += "</details>\n";
  }
  return out;
}

}  // namespace hone::layout
