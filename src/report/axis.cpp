// Ticks and label placement.
#include "report/axis.h"

#include <algorithm>
#include <cmath>

#include "report/text.h"

namespace hone::layout {
namespace {

constexpr double kGap = 10;  // between a point and its label

double nice_step(double range, int target) {
  const double raw = range / std::max(target, 1);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

struct Candidate {
  Box box;
  double cost;
};

double distance_to(const Box& box, double x, double y) {
  const double dx = std::max({box.x - x, 0.0, x - (box.x + box.w)});
  const double dy = std::max({box.y - y, 0.0, y - (box.y + box.h)});
  return std::hypot(dx, dy);
}

// Rows above and below the point, and in each row places to the right, to the left and centred; nearest
// first.
std::vector<Candidate> candidates(const LabelRequest& label) {
  std::vector<Candidate> all;
  for (int row = -40; row <= 40; ++row) {
    const double y = label.y - label.h / 2 + row * label.h / 2;
    for (int shift = 0; shift <= 6; ++shift) {
      const double step = shift * 20.0;
      const double xs[] = {label.x + kGap + step, label.x - kGap - label.w - step,
                           label.x - label.w / 2 + (shift % 2 ? step : -step)};
      for (int side = 0; side < 3; ++side) {
        const Box box{xs[side], y, label.w, label.h};
        const double distance = distance_to(box, label.x, label.y);
        if (distance < kGap * 0.7) continue;
        all.push_back({box, distance + side * 2.0 + (row > 0 ? 0.5 : 0.0)});
      }
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  return all;
}

bool clear_of(const Box& box, const std::vector<Box>& others) {
  return std::none_of(others.begin(), others.end(), [&](const Box& other) { return box.overlaps(other); });
}

bool inside(const Box& box, const Box& bounds) {
  return box.x >= bounds.x && box.y >= bounds.y && box.x + box.w <= bounds.x + bounds.w &&
         box.y + box.h <= bounds.y + bounds.h;
}

}  // namespace

double Axis::at(double value) const {
  if (!log) return from + (value - low) / (high - low) * (to - from);
  const double bounded = std::max(value, low);
  return from + std::log10(bounded / low) / std::log10(high / low) * (to - from);
}

Axis make_log_axis(double low, double high, double from, double to) {
  Axis axis;
  axis.log = true;
  axis.from = from;
  axis.to = to;
  const double first = std::floor(std::log10(std::max(low, 1e-9)) + 1e-9);
  const double last = std::max(std::ceil(std::log10(std::max(high, 1e-9)) - 1e-9), first + 1);
  axis.low = std::pow(10.0, first);
  axis.high = std::pow(10.0, last);
  for (double i = first; i <= last; ++i) axis.ticks.push_back(std::pow(10.0, i));
  return axis;
}

std::string Axis::label(double tick) const {
  if (log) return format_trimmed(tick, 1);
  int decimals = 0;
  for (double scaled = step; decimals < 6 && std::fabs(scaled - std::round(scaled)) > 1e-6 * scaled;
       ++decimals) {
    scaled *= 10;
  }
  return format_fixed(tick, decimals);
}

Axis make_axis(double low, double high, int target, double from, double to) {
  if (high < low) std::swap(low, high);
  const double least = std::max(std::fabs(high), 1e-9) * 1e-6;  // room for the steps to be told apart
  if (high - low < least) {
    const double pad = high == 0 ? 1 : std::fabs(high) * 0.1;
    low -= pad;
    high += pad;
  }
  Axis axis;
  axis.step = nice_step(high - low, target);
  const double first = std::floor(low / axis.step + 1e-9), last = std::ceil(high / axis.step - 1e-9);
  axis.low = first * axis.step;
  axis.high = last * axis.step;
  axis.from = from;
  axis.to = to;
  for (double i = first; i <= last && axis.ticks.size() < 100; ++i) axis.ticks.push_back(i * axis.step);
  return axis;
}

std::vector<std::optional<Box>> place_labels(const std::vector<LabelRequest>& labels,
                                             const std::vector<Box>& obstacles, const Box& bounds) {
  std::vector<std::optional<Box>> placed;
  std::vector<Box> taken;
  for (const LabelRequest& label : labels) {
    const std::vector<Candidate> options = candidates(label);
    std::optional<Box> choice;
    for (const bool avoid_obstacles : {true, false}) {
      for (const Candidate& option : options) {
        if (!inside(option.box, bounds) || !clear_of(option.box, taken)) continue;
        if (avoid_obstacles && !clear_of(option.box, obstacles)) continue;
        choice = option.box;
        break;
      }
      if (choice) break;
    }
    if (choice) taken.push_back(*choice);
    placed.push_back(choice);
  }
  return placed;
}

}  // namespace hone::layout
