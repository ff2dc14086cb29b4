// Reductions over one row of numbers, for code above ops.
#pragma once

#include <span>

namespace hone {

// The largest element; x is not empty.
float row_max(std::span<const float> x) noexcept;
// Whether x holds NaN or +infinity; -infinity (a token ruled out) is fine.
bool row_is_damaged(std::span<const float> x) noexcept;
// The sum of the squares.
double row_squares(std::span<const float> x) noexcept;
// out = exp(x - shift), returns the sum; out may be x. Values more than 87 below the shift become about
// 1e-38.
double row_exp(std::span<const float> x, float shift, std::span<float> out) noexcept;

}  // namespace hone
