// A loss curve made ready for drawing and for its table: finite points, averages, few enough to draw.
#pragma once

#include <vector>

#include "report/results.h"

namespace hone::layout {

struct LossCurve {
  std::vector<LossPoint> train;          // finite; long curves: means of neighbouring points
  std::vector<double> smooth, smoother;  // beside train: centred averages; empty when too short
  std::vector<LossPoint> valid;          // finite validation values, all of them
  size_t window = 0, wide_window = 0;    // recorded points that a smoothed value is an average of
  double highest_rate = 0;
  bool empty() const { return train.empty() && valid.empty(); }
};

LossCurve loss_curve(const std::vector<LossPoint>& points, size_t most_points);

}  // namespace hone::layout
