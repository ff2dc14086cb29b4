// The report's figures, each with a sentence on how to read it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/html_parts.h"
#include "report/stages.h"
#include "report/text.h"

namespace hone::layout {
namespace {

std::string gain_text(const Measured& gain) {
  const int decimals = share_decimals(gain);
  std::string text = format_percent(gain.value, decimals);
  if (std::isfinite(gain.low) && std::isfinite(gain.high) && gain.high > gain.low)
    text += fmt::format(" ({} to {})", format_fixed(gain.low * 100, decimals),
                        format_fixed(gain.high * 100, decimals));
  return text;
}

struct Distance {
  const char *key, *label, *text;
};
constexpr Distance kDistances[] = {
    {"kl", "Held-out answers", "KL on held-out answers"},
    {"kl_general", "General text", "KL on general text"},
};

RowsFigure distance_figure(const RunReport& report, const Distance& distance) {
  RowsFigure figure{.id = std::string("distance-") + distance.key,
                    .title = distance.text,
                    .x_title = "KL, nats per token: each step of the scale is ten times the one before"};
  figure.log = true;
  for (const StageResult& stage : report.stages) {
    const Measured* kl = finite_metric(stage, distance.key);
    if (kl == nullptr || !(kl->value > 0)) continue;
    const MeasuredText text = format_measured(*kl);
    Mark mark{.label = stage.name, .tip = single_line(stage.name) + ": " + distance.text + " " + text.value};
    set_interval(*kl, mark);
    if (mark.low <= 0) mark.low = mark.high = mark.value;  // no room on a logarithmic scale
    if (!text.range.empty()) mark.tip += fmt::format(" (95\u00A0% interval {})", text.range);
    figure.values.push_back(text.range.empty() ? text.value : fmt::format("{} ({})", text.value, text.range));
    figure.marks.push_back(std::move(mark));
  }
  return figure;
}

}  // namespace

std::string gain_section(const RunReport& report) {
  RowsFigure rows{
      .id = "gain-plot", .title = "Share of the gain kept", .x_title = "Share of the gain by tuning, %"};
  rows.bars = true;
  rows.scale = 100;
  rows.level = 1;
  for (const StageResult& stage : report.stages) {
    if (!has_gain(stage)) continue;
    const std::string text = gain_text(*stage.gain_kept);
    Mark mark{.label = stage.name, .tip = fmt::format("{} keeps {}", single_line(stage.name), text)};
    set_interval(*stage.gain_kept, mark);
    rows.values.push_back(text);
    rows.marks.push_back(std::move(mark));
  }
  if (rows.marks.empty()) return "";
  return about(
             "How much of what tuning gained on the held-out answers is left after each further step: "
             "100\u00A0% is all, "
             "0\u00A0% is the base model again. The thin line through the end of a bar is the 95\u00A0% "
             "interval; the dotted "
             "line is all of the gain.") +
         rows_figure(rows);
}

std::string size_section(const RunReport& report) {
  const std::string figures = size_figures({{"", &report}});
  if (figures.empty()) return "";
  return about(
             "Lower is better, further left is smaller. The whiskers are 95\u00A0% intervals; the dotted "
             "line and the "
             "hollow mark are the base model.") +
         figures;
}

std::string distance_section(const RunReport& report) {
  std::vector<Choice> all;
  for (const Distance& distance : kDistances) {
    const RowsFigure rows = distance_figure(report, distance);
    if (!rows.marks.empty()) all.push_back({distance.label, rows_figure(rows), ""});
  }
  if (all.empty()) return "";
  return about(fmt::format(
             "How far the predictions of each stage lie from {}. Further left is closer. It sees small "
             "changes that "
             "loss and perplexity average away.",
             report.kl_reference.empty() ? "the reference" : escape_html(single_line(report.kl_reference)))) +
         choices("distance", "Text measured on", all);
}

std::string loss_section(const RunReport& report) {
  const std::string drawn = loss_figure({{"", report.loss_curve}});
  if (drawn.empty()) return about("No loss curve was recorded in this run.");
  return about(
             "Training loss is measured on the examples being learned, validation loss on examples kept out "
             "of "
             "training. When validation stops falling, further training stops helping.") +
         drawn;
}

}  // namespace hone::layout
