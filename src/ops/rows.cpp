#include "ops/rows.h"

#include "kernels/kernels.h"

namespace hone {

float row_max(std::span<const float> x) noexcept {
  return active_kernels().max(x.size(), x.data());
}

double row_exp(std::span<const float> x, float shift, std::span<float> out) noexcept {
  return active_kernels().exp_sum(x.size(), 1.0f, shift, x.data(), out.data());
}

}  // namespace hone
