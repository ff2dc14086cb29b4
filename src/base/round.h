// Division and rounding of sizes upwards.
#pragma once

#include <cstddef>

namespace hone {

constexpr size_t ceil_div(size_t n, size_t by) noexcept {
  return (n + by - 1) / by;
}
constexpr size_t round_up(size_t n, size_t step) noexcept {
  return ceil_div(n, step) * step;
}

}  // namespace hone
