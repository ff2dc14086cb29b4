// The comparison of two runs as a page: what differs in words, the differences with their intervals, both
// runs in the figures of the report, and the tables.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/comparison_rows.h"
#include "report/html_parts.h"
#include "report/text.h"

namespace hone {
namespace layout {
namespace {

std::vector<const ComparedMetric*> losses(const RunComparison& c) {
  std::vector<const ComparedMetric*> found;
  for (const ComparedMetric& m : c.metrics)
    if (m.name == "answer_loss" && m.stage != "base" && std::isfinite(m.difference.value))
      found.push_back(&m);
  return found;
}

// What can be said of one stage's answer loss.
std::string verdict(const RunComparison& c, const ComparedMetric& m) {
  const std::string stage = single_line(m.stage), second = run_name(c.b), first = run_name(c.a);
  const std::string by = format_number(std::fabs(m.difference.value), 3);
  if (!has_interval(m))
    return fmt::format("{}: answer loss {} {} in {} than in {}; no interval, so no more is concluded.", stage,
                       by, m.difference.value < 0 ? "lower" : "higher", second, first);
  const std::string range = difference_range(m);
  if (*m.difference.low > 0)
    return fmt::format(
        "{}: {} is worse; its answer loss is higher by {} (95\u00A0% interval of the difference {}).", stage,
        second, by, range);
  if (*m.difference.high < 0)
    return fmt::format(
        "{}: {} is better; its answer loss is lower by {} (95\u00A0% interval of the difference {}).", stage,
        second, by, range);
  return fmt::format(
      "{}: the two cannot be told apart by answer loss (95\u00A0% interval of the difference {}).", stage,
      range);
}

std::string header(const RunComparison& c, const std::string& title) {
  std::string out = fmt::format("<header>\n<h1>{}</h1>\n", escape_html(title));
  for (const ComparedRun* run : {&c.a, &c.b})
    out += fmt::format("<p class=\"byline\">{}</p>\n", escape_html(run_line(*run)));
  std::string rows;
  for (const ComparedMetric* m : losses(c)) rows += fmt::format("<dd>{}</dd>\n", escape_html(verdict(c, *m)));
  std::string notes;
  for (const std::string& note : c.notes)
    notes += fmt::format("<dd>{}</dd>\n", escape_html(single_line(note)));
  if (!rows.empty()) rows = "<div class=\"take\"><dt>In short</dt>\n" + rows + "</div>\n";
  if (!notes.empty()) rows += "<div class=\"how\"><dt>How it was found</dt>\n" + notes + "</div>\n";
  if (!rows.empty()) out += "<dl class=\"summary\">\n" + rows + "</dl>\n";
  return out + "</header>\n";
}

std::string difference_part(const RunComparison& c) {
  RowsFigure rows{.id = "difference-plot",
                  .title = "Difference in answer loss",
                  .x_title = fmt::format("Answer loss of {} less that of {}, nats per token", run_name(c.b),
                                         run_name(c.a))};
  rows.level = 0;
  for (const ComparedMetric* m : losses(c)) {
    if (!has_interval(*m)) continue;
    Mark mark{.label = m->stage,
              .tip = fmt::format("{}: {} (95\u00A0% interval {})", single_line(m->stage),
                                 signed_number(m->difference.value), difference_range(*m))};
    mark.value = m->difference.value;
    mark.low = std::min(*m->difference.low, mark.value);
    mark.high = std::max(*m->difference.high, mark.value);
    rows.values.push_back(difference_range(*m));
    rows.marks.push_back(std::move(mark));
  }
  if (rows.marks.empty()) return "";
  return about(fmt::format(
             "Left of the dotted line {} is better, right of it {}. A line that crosses it: the two "
             "cannot be told apart. The same answers for both, so what makes an answer hard cancels.",
             run_name(c.b), run_name(c.a))) +
         rows_figure(rows);
}

std::string size_part(const RunComparison& c) {
  const std::string figures = size_figures({{run_name(c.a), &c.a.report}, {run_name(c.b), &c.b.report}});
  if (figures.empty()) return "";
  return about(fmt::format(
             "Circles: {}; squares: {}. Lower is better, further left is smaller; whiskers are "
             "95\u00A0% intervals of each run by itself, the dotted line is the base model of {}.",
             run_name(c.a), run_name(c.b), run_name(c.a))) +
         figures;
}

std::string loss_part(const RunComparison& c) {
  const std::string drawn =
      loss_figure({{run_name(c.a), c.a.report.loss_curve}, {run_name(c.b), c.b.report.loss_curve}});
  return drawn.empty()
             ? ""
             : about(fmt::format("Whole lines: {}; dashed: {}.", run_name(c.a), run_name(c.b))) + drawn;
}

}  // namespace
}  // namespace layout

std::string render_html(const RunComparison& c) {
  const std::string title = fmt::format("Runs {} and {}", c.a.id, c.b.id);
  layout::Page page{
      .title = title,
      .kind = "comparison",
      .header = layout::header(c, title),
      .parts = {},
      .hone_version = c.hone_version,
      .data_name = "comparison.json",
      .data = to_json(c).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)};
  page.parts = {
      {"difference", "Better or worse", "Difference", layout::difference_part(c)},
      {"size", "Quality against size", "Size", layout::size_part(c)},
      {"loss", "How the tuning went", "Tuning", layout::loss_part(c)},
      {"metrics", "What they measured", "Metrics",
       c.metrics.empty() ? "<p>The two runs have no metric in common.</p>\n"
                         : layout::text_table(layout::metric_rows(c), "Metrics", true)},
      {"settings", "What was different", "Settings",
       c.settings.empty() ? "<p>Nothing that the ledger knows of.</p>\n"
                          : layout::text_table(layout::setting_rows(c), "Settings", false)},
  };
  return layout::page(page);
}

}  // namespace hone
