// Figures with their switches and tables, for one run or two.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/html_parts.h"
#include "report/loss_curve.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr size_t kMostRows = 40;

struct Quality {
  const char *key, *label, *y_title, *y_title_short;
  bool log;
};
constexpr Quality kQualities[] = {
    {"answer_loss", "Answer loss", "Answer loss on held-out data, nats per token",
     "Answer loss, nats per token", false},
    {"perplexity", "Perplexity", "Perplexity on general text", "Perplexity, general text", false},
    {"kl", "KL", "KL to the reference on held-out answers, nats per token", "KL, nats per token", true},
};

std::string mark_tip(const std::string& name, const StageResult& stage, const Quality& quality,
                     const Measured& measured) {
  const MeasuredText text = format_measured(measured);
  std::string tip =
      fmt::format("{}: {}, {} {}", name, format_bytes(stage.file_bytes), quality.label, text.value);
  if (!text.range.empty()) tip += fmt::format(" (95\u00A0% interval {})", text.range);
  return tip;
}

bool drawable(const StageResult& stage, const Quality& quality) {
  const Measured* measured = finite_metric(stage, quality.key);
  return stage.file_bytes > 0 && measured != nullptr && (!quality.log || measured->value > 0);
}

Mark mark_of(const StageResult& stage, const Quality& quality, const std::string& run, int series) {
  const Measured& m = *finite_metric(stage, quality.key);
  const std::string name = single_line(stage.name) + (run.empty() ? "" : ", " + run);
  Mark mark{.label = run.empty() ? stage.name : name,
            .tip = mark_tip(name, stage, quality, m),
            .bytes = static_cast<double>(stage.file_bytes)};
  set_interval(m, mark);
  if (quality.log && m.low <= 0) mark.low = mark.high = mark.value;  // no room on a logarithmic scale
  mark.series = series;
  mark.plain = stage.role == "base";
  return mark;
}

using Runs = std::vector<std::pair<std::string, const RunReport*>>;

SizeFigure size_figure(const Runs& runs, const Quality& quality, std::string& missing) {
  SizeFigure figure{.id = std::string("size-") + quality.key,
                    .title = std::string(quality.label) + " against size",
                    .y_title = quality.y_title,
                    .y_title_short = quality.y_title_short};
  figure.log = quality.log;
  for (size_t s = 0; s < runs.size(); ++s) {
    for (const StageResult& stage : runs[s].second->stages) {
      if (!drawable(stage, quality)) {
        missing += (missing.empty() ? "" : ", ") + single_line(stage.name);
        continue;
      }
      figure.marks.push_back(mark_of(stage, quality, runs[s].first, static_cast<int>(s)));
      if (s == 0 && stage.role == "base") figure.level = figure.marks.back().value;
    }
  }
  return figure;
}

std::string toggle(const char* css, const std::string& label, const char* swatch) {
  return fmt::format(
      "<input type=\"checkbox\" class=\"pick t-{0}\" id=\"show-{0}\" checked><label for=\"show-{0}\">"
      "<svg class=\"swatch\" viewBox=\"0 0 22 10\" aria-hidden=\"true\">{1}</svg>{2}</label>\n",
      css, swatch, escape_html(label));
}

std::string smoothing(const LossCurve& curve) {
  std::string out = "<span class=\"pick-about\">Average of</span>\n";
  const size_t windows[] = {1, curve.window, curve.wide_window};
  for (size_t i = 0; i < 3; ++i) {
    out += fmt::format(
        "<input type=\"radio\" class=\"pick k{0}-on\" name=\"smoothing\" id=\"smooth-{0}\"{1}>"
        "<label for=\"smooth-{0}\">{2}</label>\n",
        i, i == 1 ? " checked" : "", i == 0 ? "none" : fmt::format("{} points", windows[i]));
  }
  return out;
}

constexpr const char* kRawSwatch = "<line class=\"raw alone\" x1=\"1\" x2=\"21\" y1=\"5\" y2=\"5\"/>";
constexpr const char* kValidSwatch =
    "<line class=\"valid\" x1=\"1\" x2=\"21\" y1=\"5\" y2=\"5\"/><path class=\"valid-dot\" d=\"M11 1l4 4l-4 "
    "4l-4 "
    "-4z\"/>";
constexpr const char* kRateSwatch = "<line class=\"rate\" x1=\"1\" x2=\"21\" y1=\"5\" y2=\"5\"/>";

std::string loss_switches(const std::vector<LossSeries>& series, const std::vector<LossCurve>& curves) {
  std::string out;
  bool valid = false, rate = false;
  const LossCurve* longest = &curves.front();
  for (size_t s = 0; s < curves.size(); ++s) {
    if (curves.size() > 1)
      out += toggle(
          s == 0 ? "s0" : "s1", single_line(series[s].name),
          s == 0 ? "<g class=\"s0\"><line class=\"smooth k1\" x1=\"1\" x2=\"21\" y1=\"5\" y2=\"5\"/></g>"
                 : "<g class=\"s1\"><line class=\"smooth k1\" x1=\"1\" x2=\"21\" y1=\"5\" y2=\"5\"/></g>");
    valid = valid || !curves[s].valid.empty();
    rate = rate || (curves[s].highest_rate > 0 && curves[s].train.size() > 1);
    if (curves[s].train.size() > longest->train.size()) longest = &curves[s];
  }
  if (!longest->train.empty()) out += toggle("raw", "training", kRawSwatch);
  if (valid) out += toggle("valid", "validation", kValidSwatch);
  if (rate) out += toggle("rate", "learning rate", kRateSwatch);
  if (!longest->smooth.empty()) out += smoothing(*longest);
  return out;
}

TextRows loss_rows(const LossSeries& series) {
  const LossCurve curve = loss_curve(series.points, kMostRows);
  const bool averaged =
      curve.train.size() < static_cast<size_t>(std::count_if(
                               series.points.begin(), series.points.end(),
                               [](const LossPoint& p) { return std::isfinite(p.train_loss); }));
  TextRows rows = {{"Step", averaged ? "Training loss (mean around it)" : "Training loss", "Validation loss",
                    "Learning rate"}};
  std::vector<LossPoint> points = curve.train;
  for (LossPoint& point : points) point.valid_loss.reset();
  for (const LossPoint& valid : curve.valid) {
    const auto same =
        std::find_if(points.begin(), points.end(), [&](const LossPoint& p) { return p.step == valid.step; });
    if (same != points.end()) {
      same->valid_loss = valid.valid_loss;
    } else {
      points.push_back(valid);
    }
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const LossPoint& a, const LossPoint& b) { return a.step < b.step; });
  for (const LossPoint& p : points)
    rows.push_back({format_count(p.step), format_number(p.train_loss),
                    p.valid_loss ? format_number(*p.valid_loss) : std::string(kAbsent),
                    format_trimmed(p.lr, 3)});
  return rows;
}

}  // namespace

std::string about(const std::string& markup) {
  return "<p class=\"about\">" + markup + "</p>\n";
}

void set_interval(const Measured& m, Mark& mark) {
  const bool interval = std::isfinite(m.low) && std::isfinite(m.high) && m.high > m.low;
  mark.value = m.value;
  mark.low = interval ? std::min(m.low, m.value) : m.value;
  mark.high = interval ? std::max(m.high, m.value) : m.value;
}

std::string rows_figure(const RowsFigure& rows) {
  return figure(rows_plot(rows, kWide), rows_plot(rows, kNarrow));
}

std::string figure(const std::string& wide, const std::string& narrow) {
  return "<figure>\n" + wide + narrow + "</figure>\n";
}

std::string choices(const std::string& id, const std::string& question, const std::vector<Choice>& all) {
  std::string out =
      fmt::format("<div class=\"choices\" role=\"group\" aria-label=\"{}\">\n", escape_html(question));
  for (size_t i = 0; i < all.size() && all.size() > 1; ++i) {
    out += fmt::format(
        "<input type=\"radio\" class=\"pick c{1}\" name=\"{0}\" id=\"{0}-{1}\"{2}><label for=\"{0}-{1}\">{3}"
        "</label>\n",
        id, i, i == 0 ? " checked" : "", escape_html(all[i].label));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    out += fmt::format("<div class=\"choice c{}\">\n{}{}</div>\n", i, all[i].drawings,
                       all[i].note.empty() ? "" : "<p class=\"note\">" + escape_html(all[i].note) + "</p>\n");
  }
  return out + "</div>\n";
}

std::string size_figures(const Runs& runs) {
  std::vector<Choice> all;
  for (const Quality& quality : kQualities) {
    std::string missing;
    const SizeFigure drawn = size_figure(runs, quality, missing);
    const std::string wide = size_plot(drawn, kWide);
    if (wide.empty()) continue;
    all.push_back({quality.label, figure(wide, size_plot(drawn, kNarrow)),
                   missing.empty()
                       ? ""
                       : fmt::format("Not drawn, having no size or no such measurement: {}.", missing)});
  }
  return all.empty() ? "" : choices("quality", "Quality shown", all);
}

std::string text_table(const TextRows& rows, const char* name, bool numbers) {
  std::string out = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"plain "
      "sortable\">\n",
      name);
  for (size_t r = 0; r < rows.size(); ++r) {
    out += r == 0 ? "<thead><tr>" : r == 1 ? "<tbody>\n<tr>" : "<tr>";
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const char* tag = r == 0 || i == 0 ? "th" : "td";
      const char* scope = r == 0 ? " scope=\"col\"" : i == 0 ? " scope=\"row\"" : "";
      out += fmt::format("<{0}{1}{2}>{3}</{0}>", tag, scope, numbers && i > 0 ? " class=\"n\"" : "",
                         escape_html(rows[r][i]));
    }
    out += r == 0 ? "</tr></thead>\n" : "</tr>\n";
  }
  return out + (rows.size() > 1 ? "</tbody>\n" : "") + "</table></div>\n";
}

std::string data_table(const TextRows& rows, const std::string& of) {
  return fmt::format("<details class=\"data\"><summary>The numbers of this figure{}</summary>\n",
                     of.empty() ? "" : ", " + escape_html(single_line(of))) +
         text_table(rows, "The numbers of this figure", true) + "</details>\n";
}

std::string loss_figure(const std::vector<LossSeries>& series) {
  const std::string wide = loss_plot(series, kWide);
  if (wide.empty()) return "";
  std::vector<LossCurve> curves;
  for (const LossSeries& one : series) curves.push_back(loss_curve(one.points, 240));
  std::string out = fmt::format("<div class=\"choices{}\" role=\"group\" aria-label=\"Lines shown\">\n",
                                series.size() > 1 ? " two" : "") +
                    loss_switches(series, curves) + figure(wide, loss_plot(series, kNarrow)) + "</div>\n";
  for (size_t s = 0; s < series.size(); ++s)
    if (!curves[s].empty()) out += data_table(loss_rows(series[s]), series[s].name);
  return out;
}

}  // namespace hone::layout
