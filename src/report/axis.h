// Axis ranges with nice ticks, and label placement. Pure geometry; no SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hone::layout {

struct Axis {
  double low = 0, high = 1;  // data at the two ends
  double from = 0, to = 1;   // the same in pixels (to < from for a vertical axis)
  double step = 1;
  std::vector<double> ticks;  // multiples of step inside [low, high]
  bool log = false;           // equal ratios take equal room; data must be above zero

  double at(double value) const;         // pixels; with `log`, what is not above zero stands at the low end
  std::string label(double tick) const;  // as many decimals as the step needs
};

// An axis over [low, high] widened to whole steps of 1, 2, 2.5 or 5 × 10^k, about `target` ticks.
// The arguments must be finite; an empty range is widened.
Axis make_axis(double low, double high, int target, double from, double to);

// The same in powers of ten, for 0 < low <= high; data below 1e-9 is put there.
Axis make_log_axis(double low, double high, double from, double to);

struct Box {
  double x = 0, y = 0, w = 0, h = 0;
  bool overlaps(const Box& other) const {
    return x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h;
  }
};

struct LabelRequest {
  double x = 0, y = 0;  // the point that is labelled
  double w = 0, h = 0;  // the label's size
};

// A place for each label, in the order given: inside bounds, never over another label, off the obstacles
// where that is possible, as near to its point as it can be. Empty where no room is left.
std::vector<std::optional<Box>> place_labels(const std::vector<LabelRequest>& labels,
                                             const std::vector<Box>& obstacles, const Box& bounds);

}  // namespace hone::layout
