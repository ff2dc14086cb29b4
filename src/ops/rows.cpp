#include "ops/rows.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/kernels.h"

namespace hone {

float row_max(std::span<const float> x) noexcept {
  return active_kernels().max(x.size(), x.data());
}

bool row_is_damaged(std::span<const float> x) noexcept {
  uint32_t damaged = 0;
  for (const float value : x) {
    const auto bits = std::bit_cast<uint32_t>(value);
    damaged |= static_cast<uint32_t>((bits & 0x7fffffffu) > 0x7f800000u) |
               static_cast<uint32_t>(bits == 0x7f800000u);
  }
  return damaged != 0;
}

double row_squares(std::span<const float> x) noexcept {
  constexpr size_t kPiece = 1024;  // in f32: longer sums would lose digits
  const Kernels& ks = active_kernels();
  double sum = 0;
  for (size_t i = 0; i < x.size(); i += kPiece) {
    const auto piece = x.subspan(i, std::min(kPiece, x.size() - i));
    sum += static_cast<double>(ks.dot(piece.size(), piece.data(), piece.data()));
  }
  return sum;
}

double row_exp(std::span<const float> x, float shift, std::span<float> out) noexcept {
  return active_kernels().exp_sum(x.size(), 1.0f, shift, x.data(), out.data());
}

}  // namespace hone
