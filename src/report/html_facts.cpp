// What was done, how to repeat it, notes, glossary.
#include <fmt/format.h>

#include <algorithm>

#include "report/facts.h"
#include "report/html_parts.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr int kLongRecipeLines = 40;

std::string code_block(const std::string& text) {
  return "<div class=\"code\"><pre tabindex=\"0\">" + escape_html(text) + "</pre></div>\n";
}

std::string definitions(const char* css_class, const Facts& facts, bool wrap) {
  std::string out = fmt::format("<dl class=\"{}\">\n", css_class);
  for (const auto& [name, value] : facts) {
    const std::string pair = fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(name), escape_html(value));
    out += wrap ? "<div>" + pair + "</div>\n" : pair + "\n";
  }
  return out + "</dl>\n";
}

}  // namespace

std::string facts_section(const RunReport& report) {
  const Facts facts = run_facts(report);
  if (facts.empty() && report.tuning.empty()) return "";
  std::string out;
  if (!facts.empty()) out += definitions("facts", facts, false);
  if (!report.tuning.empty())
    out += "<h3>Tuning settings</h3>\n" + definitions("settings", report.tuning, true);
  return out;
}

std::string repeat_section(const RunReport& report) {
  std::string out;
  if (!report.command.empty()) out += code_block(report.command);
  if (!report.recipe_text.empty()) {
    const bool open =
        std::count(report.recipe_text.begin(), report.recipe_text.end(), '\n') < kLongRecipeLines;
    out += fmt::format("<details{}><summary>The recipe{}</summary>\n{}</details>\n", open ? " open" : "",
                       report.recipe_path.empty() ? "" : ", " + escape_html(single_line(report.recipe_path)),
                       code_block(report.recipe_text));
  }
  if (!report.next_commands.empty()) {
    out += "<h3>What to do next</h3>\n";
    for (const std::string& command : report.next_commands) out += code_block(command);
  }
  return out;
}

std::string notes_section(const RunReport& report) {
  if (report.notes.empty()) return "";
  std::string out = "<ul class=\"notes\">\n";
  for (const std::string& note : report.notes) out += fmt::format("<li>{}</li>\n", escape_html(note));
  return out + "</ul>\n";
}

std::string glossary_section(const RunReport&) {
  return definitions("terms", glossary(), false);
}

}  // namespace hone::layout
