// Quality against size: one point per stage, 95 % interval as a whisker, labels that never touch.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/stages.h"
#include "report/svg_plot.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr double kLabelHeight = 18, kCharWidth = 8;

struct Point {
  const StageResult* stage;
  double size, loss, low, high;  // size in the axis' unit
};

struct Unit {
  double bytes;
  const char* name;
};

bool drawable(const StageResult& stage) {
  return stage.file_bytes > 0 && finite_metric(stage, "answer_loss") != nullptr;
}

Unit unit_for(const RunReport& report) {
  uint64_t most = 0;
  for (const StageResult& stage : report.stages) {
    if (drawable(stage)) most = std::max(most, stage.file_bytes);
  }
  if (most >= 2'000'000'000) return {1e9, "GB"};
  if (most >= 1'000'000) return {1e6, "MB"};
  return {1e3, "kB"};
}

std::vector<Point> points_of(const RunReport& report, const Unit& unit) {
  std::vector<Point> points;
  for (const StageResult& stage : report.stages) {
    if (!drawable(stage)) continue;
    const Measured& loss = *finite_metric(stage, "answer_loss");
    const bool interval = std::isfinite(loss.low) && std::isfinite(loss.high) && loss.high > loss.low;
    points.push_back({&stage, static_cast<double>(stage.file_bytes) / unit.bytes, loss.value,
                      interval ? std::min(loss.low, loss.value) : loss.value,
                      interval ? std::max(loss.high, loss.value) : loss.value});
  }
  return points;
}

std::string tip(const Point& point) {
  const MeasuredText loss = format_measured(*finite_metric(*point.stage, "answer_loss"));
  std::string text = fmt::format("{}: {}, loss {}", single_line(point.stage->name),
                                 format_bytes(point.stage->file_bytes), loss.value);
  if (!loss.range.empty()) text += fmt::format(" (95\u00A0% interval {})", loss.range);
  return text;
}

std::string mark(const Point& point, const Axis& x, const Axis& y) {
  const double px = x.at(point.size), py = y.at(point.loss);
  std::string out = fmt::format("<g class=\"mark{}\"><title>{}</title>\n",
                                point.stage->name == "base" ? " base" : "", escape_html(tip(point)));
  if (point.high > point.low) {
    const double top = y.at(point.high), bottom = y.at(point.low);
    out += fmt::format(
        "<path class=\"whisker\" d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8\"/>\n", px,
        top, bottom, px - 4);
  }
  out += fmt::format(
      "<circle class=\"hit\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"14\"/>"
      "<circle class=\"dot\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"5\"/></g>\n",
      px, py);
  return out;
}

std::string labels(const std::vector<Point>& points, const Axis& x, const Axis& y) {
  std::vector<LabelRequest> requests;
  std::vector<Box> obstacles;
  std::vector<std::string> names;
  for (const Point& point : points) {
    const double px = x.at(point.size), py = y.at(point.loss);
    names.push_back(fit_columns(single_line(point.stage->name), 18));
    requests.push_back({px, py, display_width(names.back()) * kCharWidth + 14, kLabelHeight});
    obstacles.push_back({px - 6, py - 6, 12, 12});
    obstacles.push_back({px - 5, y.at(point.high) - 1, 10, y.at(point.low) - y.at(point.high) + 2});
  }
  const Box bounds{x.from + 2, y.to - 12, x.to - x.from + 8, y.from - y.to + 10};
  const auto boxes = place_labels(requests, obstacles, bounds);
  std::string out;
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (!boxes[i]) continue;
    const Box& box = *boxes[i];
    const double near_x = std::clamp(requests[i].x, box.x, box.x + box.w);
    const double near_y = std::clamp(requests[i].y, box.y, box.y + box.h);
    if (std::hypot(near_x - requests[i].x, near_y - requests[i].y) > 18) {
      out += fmt::format("<line class=\"leader\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                         requests[i].x, requests[i].y, near_x, near_y);
    }
    const char* css = requests[i].x > box.x + box.w ? "label end"
                      : requests[i].x < box.x       ? "label"
                                                    : "label mid";
    const double at = requests[i].x > box.x + box.w ? box.x + box.w
                      : requests[i].x < box.x       ? box.x
                                                    : box.x + box.w / 2;
    out += svg_text(at, box.y + 13.5, css, names[i]);
  }
  return out;
}

}  // namespace

std::string not_in_size_plot(const RunReport& report) {
  std::string names;
  for (const StageResult& stage : report.stages) {
    if (!drawable(stage)) names += (names.empty() ? "" : ", ") + single_line(stage.name);
  }
  return names;
}

std::string size_plot(const RunReport& report, const Canvas& canvas) {
  const Unit unit = unit_for(report);
  const std::vector<Point> points = points_of(report, unit);
  if (points.size() < 2) return "";
  double largest = 0, low = points[0].low, high = points[0].high;
  std::string description;
  for (const Point& point : points) {
    largest = std::max(largest, point.size);
    low = std::min(low, point.low);
    high = std::max(high, point.high);
    description += (description.empty() ? "" : "; ") + tip(point);
  }
  const double pad = (high - low) * 0.05;
  const Axis x = make_axis(0, largest * 1.04, canvas.narrow ? 4 : 8, 46, canvas.w - 18);
  const Axis y = make_axis(low - pad, high + pad, canvas.narrow ? 5 : 6, canvas.h - 56, 36);
  std::string out = svg_open(canvas, canvas.narrow ? "size-n" : "size-w", "Quality against size",
                             description + ". Lower loss is better.");
  out += svg_grid(
      x, y, fmt::format("File size, {}", unit.name),
      canvas.narrow ? "Answer loss, nats per token" : "Answer loss on held-out data, nats per token");
  if (const StageResult* base = find_stage(report, "base"); base != nullptr && drawable(*base)) {
    const double at = y.at(finite_metric(*base, "answer_loss")->value);
    out +=
        fmt::format("<line class=\"level\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n",
                    x.from, x.to, at);
  }
  for (const Point& point : points) out += mark(point, x, y);
  out += labels(points, x, y);
  return out + "</svg>\n";
}

}  // namespace hone::layout
