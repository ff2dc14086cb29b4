// How far decoded weights are from what was encoded.
#pragma once

#include <cstddef>

namespace hone {

struct SquaredError {
  double error = 0, weight = 0;  // sums of (y - x)^2 and of x^2

  void add(const SquaredError& other) noexcept {
    error += other.error;
    weight += other.weight;
  }
};

// Both sums are finite exactly when all of x and y are.
SquaredError squared_error(const float* x, const float* y, size_t n) noexcept;

}  // namespace hone
