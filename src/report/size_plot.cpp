// Quality against size: one mark per file, 95 % interval as a whisker, labels that never touch.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/svg_plot.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr double kLabelHeight = 18, kCharWidth = 8;

struct Unit {
  double bytes;
  const char* name;
};

Unit unit_for(double most) {
  if (most >= 2e9) return {1e9, "GB"};
  if (most >= 1e6) return {1e6, "MB"};
  return {1e3, "kB"};
}

std::string drawn(const Mark& mark, double px, const Axis& y) {
  std::string out =
      fmt::format("<g class=\"{}\"><title>{}</title>\n", mark_class(mark), escape_html(mark.tip));
  if (mark.high > mark.low) {
    out += fmt::format(
        "<path class=\"whisker\" d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8\"/>\n", px,
        y.at(mark.high), y.at(mark.low), px - 4);
  }
  return out + svg_dot(px, y.at(mark.value), mark.series) + "</g>\n";
}

// The text's anchor by where the label lies beside its mark.
std::string placed_label(const LabelRequest& request, const Box& box, const std::string& name) {
  const bool left = request.x > box.x + box.w, right = request.x < box.x;
  const double at = left ? box.x + box.w : right ? box.x : box.x + box.w / 2;
  return svg_text(at, box.y + 13.5, left ? "label end" : right ? "label" : "label mid", name);
}

std::string labels(const SizeFigure& figure, double unit, const Axis& x, const Axis& y) {
  std::vector<LabelRequest> requests;
  std::vector<Box> obstacles;
  std::vector<std::string> names;
  for (const Mark& mark : figure.marks) {
    const double px = x.at(mark.bytes / unit), py = y.at(mark.value);
    names.push_back(fit_columns(single_line(mark.label), 18));
    requests.push_back({px, py, display_width(names.back()) * kCharWidth + 14, kLabelHeight});
    obstacles.push_back({px - 6, py - 6, 12, 12});
    obstacles.push_back({px - 5, y.at(mark.high) - 1, 10, y.at(mark.low) - y.at(mark.high) + 2});
  }
  const Box bounds{x.from + 2, y.to - 12, x.to - x.from + 8, y.from - y.to + 10};
  const auto boxes = place_labels(requests, obstacles, bounds);
  std::string out;
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (!boxes[i]) continue;
    const Box& box = *boxes[i];
    const double near_x = std::clamp(requests[i].x, box.x, box.x + box.w);
    const double near_y = std::clamp(requests[i].y, box.y, box.y + box.h);
    if (std::hypot(near_x - requests[i].x, near_y - requests[i].y) > 18)
      out += svg_line("leader", requests[i].x, requests[i].y, near_x, near_y);
    out += placed_label(requests[i], box, names[i]);
  }
  return out;
}

}  // namespace

std::string size_plot(const SizeFigure& figure, const Canvas& canvas) {
  if (figure.marks.size() < 2) return "";
  double largest = 0, low = figure.marks[0].low, high = figure.marks[0].high;
  std::string description;
  for (const Mark& mark : figure.marks) {
    largest = std::max(largest, mark.bytes);
    low = std::min(low, mark.low);
    high = std::max(high, mark.high);
    description += mark.tip + "; ";
  }
  const Unit unit = unit_for(largest);
  const double pad = (high - low) * 0.05;
  const Axis x = make_axis(0, largest / unit.bytes * 1.04, canvas.narrow ? 4 : 8, 58, canvas.w - 18);
  const Axis y = figure.log ? make_log_axis(low, high, canvas.h - 56, 36)
                            : make_axis(low - pad, high + pad, canvas.narrow ? 5 : 6, canvas.h - 56, 36);
  std::string out = svg_open(canvas, figure.id, figure.title, description + "lower is better.");
  out += svg_grid(x, y, fmt::format("Size, {}", unit.name),
                  canvas.narrow ? figure.y_title_short : figure.y_title);
  if (figure.level) out += svg_line("level", x.from, y.at(*figure.level), x.to, y.at(*figure.level));
  for (const Mark& mark : figure.marks) out += drawn(mark, x.at(mark.bytes / unit.bytes), y);
  return out + labels(figure, unit.bytes, x, y) + "</svg>\n";
}

}  // namespace hone::layout
