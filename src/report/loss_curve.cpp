#include "report/loss_curve.h"

#include <algorithm>
#include <cmath>

namespace hone::layout {
namespace {

constexpr size_t kLeastToSmooth = 8;

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

void thin_out(LossCurve& curve, size_t most_points) {
  const size_t n = curve.train.size();
  const size_t each = (n + most_points - 1) / most_points;
  if (each <= 1) return;
  LossCurve thin;
  for (size_t first = 0; first < n; first += each) {
    const size_t end = std::min(first + each, n), middle = (first + end - 1) / 2;
    LossPoint mean = curve.train[middle];
    double sum = 0;
    for (size_t i = first; i < end; ++i) sum += curve.train[i].train_loss;
    mean.train_loss = sum / static_cast<double>(end - first);
    thin.train.push_back(mean);
    if (curve.smooth.empty()) continue;
    thin.smooth.push_back(curve.smooth[middle]);
    thin.smoother.push_back(curve.smoother[middle]);
  }
  curve.train = std::move(thin.train);
  curve.smooth = std::move(thin.smooth);
  curve.smoother = std::move(thin.smoother);
}

}  // namespace

LossCurve loss_curve(const std::vector<LossPoint>& points, size_t most_points) {
  LossCurve curve;
  for (const LossPoint& point : points) {
    if (std::isfinite(point.train_loss)) curve.train.push_back(point);
    if (point.valid_loss && std::isfinite(*point.valid_loss)) curve.valid.push_back(point);
    if (std::isfinite(point.lr)) curve.highest_rate = std::max(curve.highest_rate, point.lr);
  }
  if (curve.train.size() >= kLeastToSmooth) {
    curve.window = std::max<size_t>(curve.train.size() / 10 | 1, 3);
    curve.wide_window = std::max<size_t>(curve.train.size() / 4 | 1, 5);
    curve.smooth = moving_average(curve.train, curve.window);
    curve.smoother = moving_average(curve.train, curve.wide_window);
  }
  thin_out(curve, most_points);
  return curve;
}

}  // namespace hone::layout
