// Header, stage table and the two figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/html_parts.h"
#include "report/report.h"
#include "report/stages.h"
#include "report/svg_plot.h"
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
  const StageResult* base = find_stage(report, "base");
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
    out += key_figure(
        "Whole run", format_seconds(report.total_seconds),
        report.peak_rss_bytes ? "at most " + format_bytes(report.peak_rss_bytes) + " of memory" : "");
  }
  return out.empty() ? "" : "<dl class=\"figures\">\n" + out + "</dl>\n";
}

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
  return fmt::format("<td{}>{}{}</td>\n",
                     column.numeric ? " class=\"n\""
                     : failed       ? " class=\"failed\""
                                    : "",
                     escape_html(cell.main.empty() ? std::string(kAbsent) : cell.main), minor);
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

std::string figure(const std::string& wide, const std::string& narrow) {
  return "<figure>\n" + wide + narrow + "</figure>\n";
}

}  // namespace

std::string header_section(const RunReport& report) {
  std::string byline;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) byline += (byline.empty() ? "" : " \u00B7 ") + escape_html(single_line(part));
  };
  add(report.base_model);
  add(report.date);
  std::string out = "<header>\n<p class=\"eyebrow\">hone report</p>\n";
  out += fmt::format("<h1>{}</h1>\n", escape_html(report.name.empty() ? "Run" : single_line(report.name)));
  if (!byline.empty()) out += fmt::format("<p class=\"byline\">{}</p>\n", byline);
  out += fmt::format("<p class=\"lead\">{}</p>\n", escape_html(summary_text(report)));
  return out + key_figures(report) + "</header>\n";
}

std::string stages_section(const RunReport& report) {
  if (report.stages.empty()) return "";
  const std::vector<Column> columns = stage_columns(report);
  std::string out =
      "<section aria-labelledby=\"stages\">\n<h2 id=\"stages\">What each stage kept and lost</h2>\n"
      "<p class=\"about\">Each row is the model after one more step, measured on the same questions and the "
      "same "
      "text. The small figure after \u00B1 is the standard error.</p>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"stages\">\n"
      "<table class=\"stages\">\n<thead><tr>\n";
  for (const Column& column : columns) out += head_cell(column);
  out += "</tr></thead>\n<tbody>\n";
  for (const StageResult& stage : report.stages) {
    out += "<tr>\n";
    for (size_t i = 0; i < columns.size(); ++i) out += body_cell(columns[i], stage, i == 0);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n</div>\n" + column_help(columns) + "</section>\n";
}

std::string size_section(const RunReport& report) {
  const std::string wide = size_plot(report, kWide);
  if (wide.empty()) return "";
  std::string out =
      "<section aria-labelledby=\"size\">\n<h2 id=\"size\">Quality against size</h2>\n"
      "<p class=\"about\">Lower is better, further left is smaller. The whiskers are 95\u00A0% intervals; "
      "the dotted "
      "line is the base model.</p>\n";
  out += figure(wide, size_plot(report, kNarrow));
  const std::string missing = not_in_size_plot(report);
  if (!missing.empty()) {
    out += fmt::format("<p class=\"note\">Not drawn, for want of a size or a loss: {}.</p>\n",
                       escape_html(missing));
  }
  return out + "</section>\n";
}

std::string loss_section(const RunReport& report) {
  std::string out = "<section aria-labelledby=\"loss\">\n<h2 id=\"loss\">How the tuning went</h2>\n";
  const std::string wide = loss_plot(report, kWide);
  if (wide.empty())
    return out + "<p class=\"about\">No loss curve was recorded in this run.</p>\n</section>\n";
  out +=
      "<p class=\"about\">Training loss is measured on the examples being learned, validation loss on "
      "examples kept "
      "out of training. When validation stops falling, further training stops helping.</p>\n";
  return out + figure(wide, loss_plot(report, kNarrow)) + "</section>\n";
}

}  // namespace hone::layout
