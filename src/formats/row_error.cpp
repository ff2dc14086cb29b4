#include "formats/row_error.h"

namespace hone {

// Eight sums side by side: one chain of additions would wait for itself.
SquaredError squared_error(const float* x, const float* y, size_t n) noexcept {
  constexpr size_t kSums = 8;
  double error[kSums] = {}, weight[kSums] = {};
  const size_t whole = n / kSums * kSums;
  for (size_t i = 0; i < whole; i += kSums) {
    for (size_t k = 0; k < kSums; ++k) {
      const double value = static_cast<double>(x[i + k]), off = static_cast<double>(y[i + k]) - value;
      error[k] += off * off;
      weight[k] += value * value;
    }
  }
  SquaredError total;
  for (size_t i = whole; i < n; ++i) {
    const double value = static_cast<double>(x[i]), off = static_cast<double>(y[i]) - value;
    total.add({off * off, value * value});
  }
  for (size_t k = 0; k < kSums; ++k) total.add({error[k], weight[k]});
  return total;
}

}  // namespace hone
