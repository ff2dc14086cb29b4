// The loss curve. Long curves are drawn through averages of neighbouring points; validation points always
// all.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/svg_plot.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr size_t kMostPoints = 240;
constexpr size_t kLeastToSmooth = 8;
constexpr double kRateHeight = 34, kRateGap = 26;

struct Curve {
  std::vector<LossPoint> train;  // finite, at most kMostPoints
  std::vector<double> smooth;    // beside train; empty when too short
  std::vector<LossPoint> valid;  // finite validation values
  size_t window = 0;             // recorded points a smoothed value is an average of
  double highest_rate = 0;
};

// Centred, so the smoothed line does not lag; the window shrinks at the two ends.
std::vector<double> moving_average(const std::vector<LossPoint>& points, size_t window) {
  std::vector<double> prefix = {0};
  for (const LossPoint& point : points) prefix.push_back(prefix.back() + point.train_loss);
  std::vector<double> smooth;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t half = std::min({window / 2, i, points.size() - 1 - i});
    smooth.push_back((prefix[i + half + 1] - prefix[i - half]) / static_cast<double>(2 * half + 1));
  }
  return smooth;
}

void thin_out(Curve& curve) {
  const size_t n = curve.train.size();
  const size_t each = (n + kMostPoints - 1) / kMostPoints;
  if (each <= 1) return;
  std::vector<LossPoint> train;
  std::vector<double> smooth;
  for (size_t first = 0; first < n; first += each) {
    const size_t end = std::min(first + each, n);
    LossPoint mean = curve.train[(first + end - 1) / 2];
    double sum = 0;
    for (size_t i = first; i < end; ++i) sum += curve.train[i].train_loss;
    mean.train_loss = sum / static_cast<double>(end - first);
    train.push_back(mean);
    if (!curve.smooth.empty()) smooth.push_back(curve.smooth[(first + end - 1) / 2]);
  }
  curve.train = std::move(train);
  curve.smooth = std::move(smooth);
}

Curve curve_of(const RunReport& report) {
  Curve curve;
  for (const LossPoint& point : report.loss_curve) {
    if (std::isfinite(point.train_loss)) curve.train.push_back(point);
    if (point.valid_loss && std::isfinite(*point.valid_loss)) curve.valid.push_back(point);
    if (std::isfinite(point.lr)) curve.highest_rate = std::max(curve.highest_rate, point.lr);
  }
  if (curve.train.size() >= kLeastToSmooth) {
    curve.window = std::max<size_t>(curve.train.size() / 10 | 1, 3);
    curve.smooth = moving_average(curve.train, curve.window);
  }
  thin_out(curve);
  return curve;
}

std::string tip(const LossPoint& point, const double* smooth) {
  std::string text = "Step " + format_count(point.step);
  if (point.tokens > 0) text += fmt::format(", {} tokens", format_count(point.tokens));
  if (std::isfinite(point.train_loss)) text += fmt::format("\ntrain {}", format_number(point.train_loss));
  if (smooth != nullptr) text += fmt::format(" (average {})", format_number(*smooth));
  if (point.valid_loss && std::isfinite(*point.valid_loss)) {
    text += fmt::format("\nvalidation {}", format_number(*point.valid_loss));
  }
  if (std::isfinite(point.lr) && point.lr > 0)
    text += fmt::format("\nlearning rate {}", format_trimmed(point.lr, 3));
  return text;
}

std::string legend(const Curve& curve, const Canvas& canvas) {
  double x = 46;
  const double y = 40;
  std::string out;
  const auto entry = [&](const char* css, const std::string& name, bool dot) {
    out += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", css, x,
                       x + 18, y - 4, y - 4);
    if (dot)
      out += fmt::format("<circle class=\"valid-dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", x + 9, y - 4);
    out += svg_text(x + 24, y, "tick", name);
    x += 24 + display_width(name) * (canvas.narrow ? 6.8 : 7.4) + 16;
  };
  if (!curve.train.empty()) entry(curve.smooth.empty() ? "smooth" : "raw", "training", false);
  if (!curve.smooth.empty()) entry("smooth", fmt::format("mean of {}", curve.window), false);
  if (!curve.valid.empty()) entry("valid", "validation", true);
  return out;
}

std::string rate_strip(const Curve& curve, const Axis& x, double bottom) {
  std::vector<std::pair<double, double>> points;
  for (const LossPoint& point : curve.train) {
    if (!std::isfinite(point.lr) || point.lr < 0) continue;
    points.emplace_back(x.at(static_cast<double>(point.step)),
                        bottom - point.lr / curve.highest_rate * kRateHeight);
  }
  return fmt::format("<line class=\"floor\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n",
                     x.from, x.to, bottom) +
         svg_polyline(points, "rate") +
         svg_text(x.from, bottom + 16, "tick",
                  fmt::format("learning rate, at most {}", format_trimmed(curve.highest_rate, 3)));
}

// One invisible column per point: the nearest point answers wherever the pointer is.
std::string hover_columns(const Curve& curve, const Axis& x, const Axis& y) {
  const std::vector<LossPoint>& points = curve.train.empty() ? curve.valid : curve.train;
  std::string out = "<g>\n";
  for (size_t i = 0; i < points.size(); ++i) {
    const auto px = [&](size_t j) { return x.at(static_cast<double>(points[j].step)); };
    const double left = i == 0 ? x.from : (px(i - 1) + px(i)) / 2;
    const double right = i + 1 == points.size() ? x.to : (px(i) + px(i + 1)) / 2;
    const double* smooth = curve.train.empty() || curve.smooth.empty() ? nullptr : &curve.smooth[i];
    const double loss = smooth ? *smooth : curve.train.empty() ? *points[i].valid_loss : points[i].train_loss;
    out += fmt::format(
        "<g class=\"column\"><title>{0}</title><rect x=\"{1:.1f}\" y=\"{2:.1f}\" width=\"{3:.1f}\" "
        "height=\"{4:.1f}\"/>"
        "<line x1=\"{5:.1f}\" x2=\"{5:.1f}\" y1=\"{6:.1f}\" y2=\"{7:.1f}\"/><circle cx=\"{5:.1f}\" "
        "cy=\"{8:.1f}\" "
        "r=\"3.5\"/></g>\n",
        escape_html(tip(points[i], smooth)), left, y.to, std::max(right - left, 0.1), y.from - y.to, px(i),
        y.to, y.from, y.at(loss));
  }
  return out + "</g>\n";
}

std::string lines(const Curve& curve, const Axis& x, const Axis& y) {
  std::vector<std::pair<double, double>> raw, smooth, valid;
  for (size_t i = 0; i < curve.train.size(); ++i) {
    const double px = x.at(static_cast<double>(curve.train[i].step));
    raw.emplace_back(px, y.at(curve.train[i].train_loss));
    if (!curve.smooth.empty()) smooth.emplace_back(px, y.at(curve.smooth[i]));
  }
  for (const LossPoint& point : curve.valid) {
    valid.emplace_back(x.at(static_cast<double>(point.step)), y.at(*point.valid_loss));
  }
  std::string out = svg_polyline(raw, curve.smooth.empty() ? "smooth" : "raw");
  out += svg_polyline(smooth, "smooth") + svg_polyline(valid, "valid");
  for (const auto& [px, py] : valid) {
    out += fmt::format("<circle class=\"valid-dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>\n", px, py);
  }
  return out;
}

std::string description(const Curve& curve) {
  std::string text;
  if (!curve.train.empty()) {
    const std::vector<double>& smooth = curve.smooth;
    const double first = smooth.empty() ? curve.train.front().train_loss : smooth.front();
    const double last = smooth.empty() ? curve.train.back().train_loss : smooth.back();
    text += fmt::format("Training loss from {} to {} over {} steps. ", format_number(first),
                        format_number(last), format_count(curve.train.back().step));
  }
  if (!curve.valid.empty()) {
    text += fmt::format("Validation loss from {} to {}.", format_number(*curve.valid.front().valid_loss),
                        format_number(*curve.valid.back().valid_loss));
  }
  return text;
}

}  // namespace

std::string loss_plot(const RunReport& report, const Canvas& canvas) {
  const Curve curve = curve_of(report);
  if (curve.train.empty() && curve.valid.empty()) return "";
  std::vector<double> losses, steps;
  for (const LossPoint& point : curve.train) {
    losses.push_back(point.train_loss);
    steps.push_back(static_cast<double>(point.step));
  }
  for (const LossPoint& point : curve.valid) {
    losses.push_back(*point.valid_loss);
    steps.push_back(static_cast<double>(point.step));
  }
  const auto [low, high] = std::minmax_element(losses.begin(), losses.end());
  const auto [first, last] = std::minmax_element(steps.begin(), steps.end());
  const bool rate = curve.highest_rate > 0 && curve.train.size() > 1;
  const double bottom = canvas.h - 56 - (rate ? kRateHeight + kRateGap : 0);
  Axis x = make_axis(0, std::max(*last, 1.0), canvas.narrow ? 4 : 8, 46, canvas.w - 18);
  x.high = std::max(*last, *first + 1) * 1.01;  // the curve ends where training ended, not at the next tick
  std::erase_if(x.ticks, [&](double tick) { return tick > x.high; });
  const Axis y = make_axis(*low, *high, canvas.narrow ? 4 : 5, bottom, 58);
  std::string out =
      svg_open(canvas, canvas.narrow ? "loss-n" : "loss-w", "Loss while tuning", description(curve));
  out += svg_grid(x, y, "Step", "Loss, nats per token") + legend(curve, canvas) + lines(curve, x, y);
  if (rate) out += rate_strip(curve, x, bottom + kRateGap + 22 + kRateHeight);
  return out + hover_columns(curve, x, y) + "</svg>\n";
}

}  // namespace hone::layout
