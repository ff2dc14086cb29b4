// Values in rows: bars or marks with their intervals, the names at the left and the figures at the right.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/svg_plot.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr double kRow = 34, kNarrowRow = 50, kTop = 10, kBottom = 58, kBar = 14;

struct Rows {
  const RowsFigure& figure;
  Axis x;
  double left, right, row;
  bool narrow;

  // Middle of the row's bar; on a narrow screen the texts stand above it.
  double middle(size_t i) const { return kTop + row * (static_cast<double>(i) + (narrow ? 0.68 : 0.5)); }
  double bottom() const { return kTop + row * static_cast<double>(figure.marks.size()); }
};

Axis axis_of(const RowsFigure& figure, const Canvas& canvas, double left, double right) {
  double low = figure.bars ? 0 : figure.marks[0].low, high = figure.marks[0].high;
  const auto include = [&](double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const Mark& mark : figure.marks) {
    include(mark.low);
    include(mark.high);
    include(mark.value);
  }
  if (figure.level) include(*figure.level);
  if (figure.log) return make_log_axis(low, high, left, right);
  return make_axis(low * figure.scale, high * figure.scale, canvas.narrow ? 4 : 8, left, right);
}

std::string grid(const Rows& rows) {
  std::string out = "<g class=\"grid\">\n";
  for (const double tick : rows.x.ticks) {
    const double at = rows.x.at(tick);
    out += svg_line("rule", at, kTop, at, rows.bottom() + 5);
    out += svg_text(at, rows.bottom() + 20, "tick mid", rows.x.label(tick));
  }
  out += "</g>\n";
  out += svg_text((rows.left + rows.right) / 2, rows.bottom() + 42, "axis-title mid", rows.figure.x_title);
  if (rows.figure.level) {
    const double at = rows.x.at(*rows.figure.level * rows.figure.scale);
    out += svg_line("level", at, kTop, at, rows.bottom());
  }
  return out;
}

std::string drawn(const Rows& rows, size_t i) {
  const Mark& mark = rows.figure.marks[i];
  const auto at = [&](double value) { return rows.x.at(value * rows.figure.scale); };
  const double y = rows.middle(i), px = at(mark.value);
  std::string out =
      fmt::format("<g class=\"{}\"><title>{}</title>\n", mark_class(mark), escape_html(mark.tip));
  out += fmt::format("<rect class=\"hit\" x=\"0\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                     kTop + rows.row * static_cast<double>(i), rows.right, rows.row);
  if (rows.figure.bars) {
    const double zero = at(0);
    out += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:g}\"/>\n",
                       std::min(zero, px), y - kBar / 2, std::max(std::fabs(px - zero), 1.0), kBar);
  }
  if (mark.high > mark.low) {
    out += fmt::format(
        "<path class=\"whisker{4}\" d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}v10M{1:.1f} {3:.1f}v10\"/>\n",
        at(mark.low), at(mark.high), y, y - 5, rows.figure.bars ? " on-bar" : "");
  }
  if (!rows.figure.bars) out += svg_dot(px, y, mark.series);
  const double text = rows.narrow ? y - 16 : y + 4.5;
  out += svg_text(rows.narrow ? rows.left : 0, text, "label", fit_columns(single_line(mark.label), 20));
  if (i < rows.figure.values.size())
    out += svg_text(rows.narrow ? rows.right : rows.right + 190, text, "tick end", rows.figure.values[i]);
  return out + "</g>\n";
}

}  // namespace

std::string rows_plot(const RowsFigure& figure, const Canvas& canvas) {
  if (figure.marks.empty()) return "";
  size_t longest = 4;
  for (const Mark& mark : figure.marks)
    longest = std::max<size_t>(longest, static_cast<size_t>(std::min(display_width(mark.label), 20)));
  const double left = canvas.narrow ? 14 : static_cast<double>(longest) * 8 + 16;
  const double right = canvas.narrow ? canvas.w - 14 : canvas.w - 200;
  const Rows rows{figure, axis_of(figure, canvas, left, right), left,
                  right,  canvas.narrow ? kNarrowRow : kRow,    canvas.narrow};
  std::string description;
  for (const Mark& mark : figure.marks) description += mark.tip + "; ";
  std::string out =
      svg_open({canvas.w, rows.bottom() + kBottom, canvas.narrow}, figure.id, figure.title, description);
  out += grid(rows);
  for (size_t i = 0; i < figure.marks.size(); ++i) out += drawn(rows, i);
  return out + "</svg>\n";
}

}  // namespace hone::layout
