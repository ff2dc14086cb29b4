// Products in 16-bit fixed point, in plain steps.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/tables.h"

namespace hone {
namespace {

constexpr size_t kTileM = 4, kTileN = 8;

int32_t low_code(uint32_t pair) noexcept {
  return static_cast<int16_t>(pair & 0xffffu);
}

int32_t high_code(uint32_t pair) noexcept {
  return static_cast<int16_t>(pair >> 16);
}

int32_t run_sum(size_t n_pairs, const uint32_t* a, const uint32_t* b) noexcept {
  int32_t sum = 0;
  for (size_t p = 0; p < n_pairs; ++p)
    sum += low_code(a[p]) * low_code(b[p * kTileN]) + high_code(a[p]) * high_code(b[p * kTileN]);
  return sum;
}

void tile(size_t mr, size_t nr, size_t k_pairs, const I16Rows& a, const uint32_t* b, const float* b_factors,
          float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  constexpr size_t kPairs = kI16Run / 2;
  for (size_t m = 0; m < mr; ++m)
    for (size_t n = 0; n < nr; ++n) {
      float total = 0;
      for (size_t p = 0; p < k_pairs; p += kPairs) {
        const int32_t sum =
            run_sum(std::min(kPairs, k_pairs - p), a.codes + m * a.stride + p, b + p * kTileN + n);
        total += a.factors[m * a.n_factors + p / kPairs] * static_cast<float>(sum);
      }
      float& out = c[m * ldc + n];
      const float y = alpha * b_factors[n] * total;
      out = accumulate ? out + y : y;
    }
}

// The factor of numbers, of which the largest is `largest`, that are to be multiplied by `scale`.
float factor_of(float largest, float& scale) noexcept {
  if (!std::isfinite(largest)) {
    scale = 0;
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (largest < kI16Zero) scale = 0;
  return scale > 0 ? 1.0f / scale : 0.0f;
}

int16_t code_of(float scale, float x) noexcept {
  return static_cast<int16_t>(scale > 0 ? std::nearbyint(scale * x) : 0.0f);
}

void encode_row(size_t n, const float* x, int16_t* codes, float* factors) noexcept {
  for (size_t first = 0; first < n; first += kI16Run) {
    const size_t end = std::min(n, first + kI16Run);
    float largest = 0, sum = 0;
    for (size_t i = first; i < end; ++i) {
      largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
      sum += std::fabs(x[i]);
    }
    // The sum tells of what is not finite.
    float scale = std::min(kI16RowLargest / largest, kI16RowSum / sum);
    *factors++ = factor_of(std::isfinite(sum) ? largest : sum, scale);
    for (size_t i = first; i < end; ++i) codes[i] = code_of(scale, x[i]);
  }
}

void encode_panel(size_t k, const float* x, size_t stride, uint32_t* panel, float* factors) noexcept {
  for (size_t n = 0; n < kTileN; ++n) {
    float largest = 0, sum = 0;
    for (size_t i = 0; i < k; ++i) {
      largest = std::fabs(x[i * stride + n]) > largest ? std::fabs(x[i * stride + n]) : largest;
      sum += x[i * stride + n] * 0;
    }
    float scale = static_cast<float>(kI16Largest) / largest;
    factors[n] = factor_of(std::isfinite(sum) ? largest : sum, scale);
    for (size_t p = 0; 2 * p < k; ++p) {
      const auto even = static_cast<uint16_t>(code_of(scale, x[2 * p * stride + n]));
      const auto odd = static_cast<uint16_t>(2 * p + 1 < k ? code_of(scale, x[(2 * p + 1) * stride + n]) : 0);
      panel[p * kTileN + n] = even | static_cast<uint32_t>(odd) << 16;
    }
  }
}

constexpr I16Kernels kTable = {
    .tile_m = kTileM, .tile_n = kTileN, .tile = tile, .encode_row = encode_row, .encode_panel = encode_panel};

}  // namespace

const I16Kernels& i16_scalar() noexcept {
  return kTable;
}

}  // namespace hone
