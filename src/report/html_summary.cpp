// The opening of the report: the summary in words, the key figures, and the figures the words rest on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/html_parts.h"
#include "report/stages.h"
#include "report/summary.h"
#include "report/text.h"

namespace hone::layout {
namespace {

std::string key_figure(const std::string& title, const std::string& value, const std::string& small) {
  return fmt::format("<div><dt>{}</dt><dd class=\"big\">{}</dd><dd class=\"small\">{}</dd></div>\n",
                     escape_html(title), escape_html(value), escape_html(small));
}

std::string capitalized(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string file_figure(const StageResult& stage) {
  if (has_gain(stage)) {
    return key_figure("Gain kept, " + plain_name(stage),
                      format_percent(stage.gain_kept->value, share_decimals(*stage.gain_kept)),
                      stage.file_bytes ? format_bytes(stage.file_bytes) : "");
  }
  const Measured* loss = finite_metric(stage, "answer_loss");
  const std::string small = loss ? "answer loss " + format_measured(*loss).value : "";
  return key_figure(capitalized(plain_name(stage)), format_bytes(stage.file_bytes), small);
}

// The loss before and after, the first and the smallest file, the whole run.
std::string key_figures(const RunReport& report) {
  std::string out;
  const StageResult* base = stage_of_role(report, "base");
  const StageResult* tuned = tuned_stage(report);
  const Measured* before = base ? finite_metric(*base, "answer_loss") : nullptr;
  const Measured* after = tuned ? finite_metric(*tuned, "answer_loss") : nullptr;
  if (before && after) {
    out += key_figure(
        "Loss on held-out answers",
        fmt::format("{} \u2192 {}", format_number(before->value, 3), format_number(after->value, 3)),
        "before and after tuning, nats per token");
  }
  const std::vector<const StageResult*> files = shipped_files(report);
  if (!files.empty()) {
    const StageResult* smallest = *std::min_element(
        files.begin(), files.end(),
        [](const StageResult* a, const StageResult* b) { return a->file_bytes < b->file_bytes; });
    out += file_figure(*files.front());
    if (smallest != files.front()) out += file_figure(*smallest);
  }
  if (report.total_seconds > 0 && std::isfinite(report.total_seconds)) {
    std::string about =
        report.peak_rss_bytes ? "at most " + format_bytes(report.peak_rss_bytes) + " of memory" : "";
    if (report.cost)
      about += fmt::format("{}{} {}", about.empty() ? "" : ", ", format_number(report.cost->amount, 2),
                           single_line(report.cost->currency));
    out += key_figure("Whole run", format_seconds(report.total_seconds), about);
  }
  return out.empty() ? "" : "<dl class=\"figures\">\n" + out + "</dl>\n";
}

std::string summary_row(const char* css, const char* name, const std::vector<std::string>& sentences) {
  std::string items;
  for (const std::string& sentence : sentences)
    if (!sentence.empty()) items += "<dd>" + escape_html(sentence) + "</dd>\n";
  if (items.empty()) return "";
  return fmt::format("<div class=\"{}\"><dt>{}</dt>\n{}</div>\n", css, name, items);
}

std::string summary_list(const Summary& summary) {
  return "<dl class=\"summary\">\n" + summary_row("done", "What was done", {summary.done}) +
         summary_row("gain", "What it gained", {summary.gain}) +
         summary_row("files", "What each file keeps", summary.files) +
         summary_row("rivals", "Against prompting", summary.rivals) +
         summary_row("tasks", "Questions answered", summary.tasks) +
         summary_row("general", "Elsewhere", {summary.general}) +
         summary_row("take", "What to take", {summary.take}) +
         summary_row(summary.promises_broken ? "broken" : "kept", "Promises", {summary.promises}) +
         summary_row("warn", "Mind", summary.warnings) + "</dl>\n";
}

std::string basis_row(const std::string& what, const MeasuredText& text, const std::string& from) {
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
      escape_html(what), escape_html(text.value),
      escape_html(text.range.empty() ? std::string(kAbsent) : text.range), escape_html(from));
}

std::string documents(const RunReport& report, const char* data, const char* noun) {
  const auto found = report.test_data.find(data);
  return found == report.test_data.end()
             ? ""
             : fmt::format("{} {}", format_count(found->second.counts.size()), noun);
}

// The gain as a ratio of likelihoods: the loss is a mean of logarithms.
Measured likelihood(const Measured& gain) {
  return {.value = std::exp(gain.value),
          .stderr_ = std::exp(gain.value) * gain.stderr_,
          .n = gain.n,
          .low = std::exp(gain.low),
          .high = std::exp(gain.high)};
}

}  // namespace

// What the summary says that is not in a row of the stage table: figures of a pair of stages.
std::string basis_section(const RunReport& report) {
  std::string rows;
  if (report.tuning_gain && std::isfinite(report.tuning_gain->value)) {
    const std::string from = documents(report, "answers", "held-out answers");
    rows += basis_row("Gain by tuning: answer loss of base less that of tuned",
                      format_measured(*report.tuning_gain), from);
    rows += basis_row("The same as a factor: how much likelier the correct token became",
                      format_measured(likelihood(*report.tuning_gain)), from);
  }
  if (report.general_change && std::isfinite(report.general_change->value))
    rows += basis_row("Perplexity of tuned over that of base", format_measured(*report.general_change),
                      documents(report, "general", "windows of general text"));
  if (rows.empty()) return "";
  return "<h3>Tuned and base, document by document</h3>\n<div class=\"scroll\" tabindex=\"0\" "
         "role=\"region\" "
         "aria-label=\"Tuned and base\"><table class=\"plain\">\n<thead><tr><th scope=\"col\">Figure</th><th "
         "scope=\"col\" class=\"n\">Value</th><th scope=\"col\" class=\"n\">95\u00A0% interval</th><th "
         "scope=\"col\">Over</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody>\n</table></div>\n";
}

std::string header_section(const RunReport& report) {
  std::string byline;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) byline += (byline.empty() ? "" : " \u00B7 ") + escape_html(single_line(part));
  };
  add(report.base_model);
  add(report.date);
  std::string out = "<header>\n";
  out += fmt::format("<h1>{}</h1>\n", escape_html(report.name.empty() ? "Run" : single_line(report.name)));
  if (!byline.empty()) out += fmt::format("<p class=\"byline\">{}</p>\n", byline);
  const Summary summary = summarize(report);
  if (!summary.headline.empty())
    out += fmt::format("<p class=\"lead\">{}</p>\n", escape_html(summary.headline));
  return out + summary_list(summary) + key_figures(report) + "</header>\n";
}

}  // namespace hone::layout
