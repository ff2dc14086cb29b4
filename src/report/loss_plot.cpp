// Loss over the steps of training, of one run or two over each other. Classes for the style's switches: raw,
// smooth k1, smooth k2, valid, rate; and s0 or s1 for the run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/loss_curve.h"
#include "report/svg_plot.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr size_t kMostPoints = 240, kMostNarrow = 120;
constexpr double kRateHeight = 34, kRateGap = 26, kLeft = 46;

struct Drawing {
  std::vector<LossCurve> curves;
  std::vector<std::string> names;
  Axis x, y;
  double highest_rate = 0;
};

std::string tip(const LossPoint& point, const double* smooth) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
  if (std::isfinite(point.train_loss))
    add("train " + format_number(point.train_loss) +
        (smooth != nullptr ? fmt::format(" (average {})", format_number(*smooth)) : ""));
  if (point.valid_loss && std::isfinite(*point.valid_loss))
    add("validation " + format_number(*point.valid_loss));
  if (std::isfinite(point.lr) && point.lr > 0) add("learning rate " + format_trimmed(point.lr, 3));
  return text;
}

std::string rate_strip(const Drawing& d, double bottom) {
  std::string out = svg_line("floor", d.x.from, bottom, d.x.to, bottom);
  for (size_t s = 0; s < d.curves.size(); ++s) {
    std::vector<std::pair<double, double>> points;
    for (const LossPoint& point : d.curves[s].train) {
      if (!std::isfinite(point.lr) || point.lr < 0) continue;
      points.emplace_back(d.x.at(static_cast<double>(point.step)),
                          bottom - point.lr / d.highest_rate * kRateHeight);
    }
    out += svg_polyline(points, fmt::format("rate s{}", s));
  }
  return "<g class=\"rate\">" + out +
         svg_text(d.x.from, bottom + 16, "tick",
                  fmt::format("learning rate, at most {}", format_trimmed(d.highest_rate, 3))) +
         "</g>\n";
}

std::string lines(const Drawing& d, size_t s) {
  const LossCurve& curve = d.curves[s];
  std::vector<std::pair<double, double>> raw, smooth, smoother, valid;
  for (size_t i = 0; i < curve.train.size(); ++i) {
    const double px = d.x.at(static_cast<double>(curve.train[i].step));
    raw.emplace_back(px, d.y.at(curve.train[i].train_loss));
    if (curve.smooth.empty()) continue;
    smooth.emplace_back(px, d.y.at(curve.smooth[i]));
    smoother.emplace_back(px, d.y.at(curve.smoother[i]));
  }
  for (const LossPoint& point : curve.valid)
    valid.emplace_back(d.x.at(static_cast<double>(point.step)), d.y.at(*point.valid_loss));
  std::string out = svg_polyline(raw, curve.smooth.empty() ? "raw alone" : "raw");
  out += svg_polyline(smooth, "smooth k1") + svg_polyline(smoother, "smooth k2");
  out += svg_polyline(valid, "valid");
  for (const auto& [px, py] : valid)
    out += fmt::format("<path class=\"valid-dot\" d=\"M{:.1f} {:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z\"/>\n", px,
                       py - 4.5);
  return fmt::format("<g class=\"s{}\">\n{}</g>\n", s, out);
}

// What the pointer finds at one step: the text, and where each run's line is.
struct Column {
  std::string tip, dots;
};

void add_points(const Drawing& d, size_t s, std::map<uint64_t, Column>& columns) {
  const LossCurve& curve = d.curves[s];
  const std::vector<LossPoint>& points = curve.train.empty() ? curve.valid : curve.train;
  for (size_t i = 0; i < points.size(); ++i) {
    const LossPoint& point = points[i];
    const double* smooth = curve.train.empty() || curve.smooth.empty() ? nullptr : &curve.smooth[i];
    Column& column = columns[point.step];
    if (column.tip.empty()) {
      column.tip = "Step " + format_count(point.step);
      if (point.tokens > 0) column.tip += fmt::format(", {} tokens", format_count(point.tokens));
    }
    if (!d.names[s].empty()) column.tip += "\n" + single_line(d.names[s]) + ":";
    if (const std::string more = tip(point, smooth); !more.empty()) column.tip += "\n" + more;
    const double loss = smooth ? *smooth : curve.train.empty() ? *point.valid_loss : point.train_loss;
    column.dots += fmt::format("<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", s,
                               d.x.at(static_cast<double>(point.step)), d.y.at(loss));
  }
}

// One invisible column per point: the nearest point answers wherever the pointer is.
std::string hover_columns(const Drawing& d) {
  std::map<uint64_t, Column> columns;
  for (size_t s = 0; s < d.curves.size(); ++s) add_points(d, s, columns);
  const auto px = [&](const auto& at) { return d.x.at(static_cast<double>(at->first)); };
  std::string out = "<g class=\"columns\">\n";
  for (auto at = columns.begin(); at != columns.end(); ++at) {
    const double left = at == columns.begin() ? d.x.from : (px(std::prev(at)) + px(at)) / 2;
    const double right = std::next(at) == columns.end() ? d.x.to : (px(at) + px(std::next(at))) / 2;
    out += fmt::format(
        "<g class=\"column\"><title>{0}</title><rect x=\"{1:.1f}\" y=\"{2:.1f}\" width=\"{3:.1f}\" "
        "height=\"{4:.1f}\"/><path d=\"M{5:.1f} {2:.1f}V{6:.1f}\"/>{7}</g>\n",
        escape_html(at->second.tip), left, d.y.to, std::max(right - left, 0.1), d.y.from - d.y.to, px(at),
        d.y.from, at->second.dots);
  }
  return out + "</g>\n";
}

std::string description(const LossCurve& curve, const std::string& name) {
  if (curve.empty()) return "";
  std::string text = name.empty() ? "" : single_line(name) + ": ";
  if (!curve.train.empty()) {
    const std::vector<double>& smooth = curve.smooth;
    const double first = smooth.empty() ? curve.train.front().train_loss : smooth.front();
    const double last = smooth.empty() ? curve.train.back().train_loss : smooth.back();
    text += fmt::format("training loss from {} to {} over {} steps. ", format_number(first),
                        format_number(last), format_count(curve.train.back().step));
  }
  if (!curve.valid.empty())
    text += fmt::format("Validation loss from {} to {}. ", format_number(*curve.valid.front().valid_loss),
                        format_number(*curve.valid.back().valid_loss));
  return text;
}

void set_axes(Drawing& d, const Canvas& canvas, double bottom) {
  std::vector<double> losses;
  double first = HUGE_VAL, last = 1;
  const auto add = [&](double step, double loss) {
    losses.push_back(loss);
    first = std::min(first, step);
    last = std::max(last, step);
  };
  for (const LossCurve& curve : d.curves) {
    for (const LossPoint& point : curve.train) add(static_cast<double>(point.step), point.train_loss);
    for (const LossPoint& point : curve.valid) add(static_cast<double>(point.step), *point.valid_loss);
  }
  const auto [low, high] = std::minmax_element(losses.begin(), losses.end());
  d.x = make_axis(0, last, canvas.narrow ? 4 : 8, kLeft, canvas.w - 18);
  d.x.high = std::max(last, first + 1) * 1.01;  // the curve ends where training ended, not at the next tick
  std::erase_if(d.x.ticks, [&](double tick) { return tick > d.x.high; });
  d.y = make_axis(*low, *high, canvas.narrow ? 4 : 5, bottom, 36);
}

}  // namespace

std::string loss_plot(const std::vector<LossSeries>& series, const Canvas& canvas) {
  Drawing d;
  bool rate = false;
  std::string words;
  for (const LossSeries& one : series) {
    LossCurve curve = loss_curve(one.points, canvas.narrow ? kMostNarrow : kMostPoints);
    rate = rate || (curve.highest_rate > 0 && curve.train.size() > 1);
    d.highest_rate = std::max(d.highest_rate, curve.highest_rate);
    words += description(curve, one.name);
    d.names.push_back(one.name);
    d.curves.push_back(std::move(curve));
  }
  if (std::all_of(d.curves.begin(), d.curves.end(), [](const LossCurve& c) { return c.empty(); })) return "";
  const double bottom = canvas.h - 56 - (rate ? kRateHeight + kRateGap : 0);
  set_axes(d, canvas, bottom);
  std::string out = svg_open(canvas, "loss-plot", "Loss while tuning", words);
  out += svg_grid(d.x, d.y, "Step", "Loss, nats per token");
  for (size_t s = 0; s < d.curves.size(); ++s) out += lines(d, s);
  if (rate) out += rate_strip(d, bottom + kRateGap + 22 + kRateHeight);
  return out + hover_columns(d) + "</svg>\n";
}

}  // namespace hone::layout
