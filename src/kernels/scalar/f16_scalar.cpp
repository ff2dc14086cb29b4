// Products in f16 with every sum rounded to f16, as AVX512-FP16 rounds it.
#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "kernels/tables.h"

namespace hone {
namespace {

constexpr size_t kTileM = 4, kTileN = 8, kLeastN = 4;

float low_half(uint32_t pair) noexcept {
  return f16_to_f32(static_cast<uint16_t>(pair & 0xffffu));
}

float high_half(uint32_t pair) noexcept {
  return f16_to_f32(static_cast<uint16_t>(pair >> 16));
}

// One element of the product: even and odd k have sums of their own.
float product(size_t k_pairs, const uint32_t* a, const uint32_t* b, size_t ldb) noexcept {
  float even = 0, odd = 0;
  for (size_t first = 0; first < k_pairs; first += kF16Run) {
    uint16_t low = 0, high = 0;
    for (size_t p = first; p < std::min(k_pairs, first + kF16Run); ++p) {
      const uint32_t w = b[p * ldb];
      low = f32_to_f16(std::fma(low_half(a[p]), low_half(w), f16_to_f32(low)));
      high = f32_to_f16(std::fma(high_half(a[p]), high_half(w), f16_to_f32(high)));
    }
    even += f16_to_f32(low);
    odd += f16_to_f32(high);
  }
  return even + odd;
}

void tile(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b, size_t ldb,
          float* c, size_t ldc, const float* scales, float alpha, bool accumulate) noexcept {
  for (size_t m = 0; m < mr; ++m)
    for (size_t n = 0; n < nr; ++n) {
      const float y = alpha * scales[m] * product(k_pairs, a + m * lda, b + n, ldb);
      float& out = c[m * ldc + n];
      out = accumulate ? out + y : y;
    }
}

float largest(size_t rows, size_t n, size_t stride, const float* x) noexcept {
  float top = 0;
  for (size_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < n; ++i) top = std::max(top, std::fabs(x[r * stride + i]));
  return top;
}

void halve(size_t n, float scale, const float* x, uint16_t* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f32_to_f16(scale * x[i]);
}

void pair(size_t n, float scale, const float* even, const float* odd, uint32_t* y) noexcept {
  for (size_t i = 0; i < n; ++i)
    y[i] = static_cast<uint32_t>(f32_to_f16(scale * even[i])) |
           static_cast<uint32_t>(f32_to_f16(scale * odd[i])) << 16;
}

float largest_half(size_t n, const uint16_t* x) noexcept {
  uint16_t top = 0;  // without their signs halves are ordered as whole numbers are
  for (size_t i = 0; i < n; ++i) top = std::max(top, static_cast<uint16_t>(x[i] & 0x7fffu));
  return f16_to_f32(top);
}

void scale_halves(size_t n, float scale, uint16_t* x) noexcept {
  for (size_t i = 0; i < n; ++i) x[i] = f32_to_f16(scale * f16_to_f32(x[i]));
}

constexpr F16Kernels kTable = {.tile_m = kTileM,
                               .widths = {kTileN, kLeastN},
                               .tile = tile,
                               .largest = largest,
                               .halve = halve,
                               .pair = pair,
                               .largest_half = largest_half,
                               .scale_halves = scale_halves};

}  // namespace

const F16Kernels& f16_scalar() noexcept {
  return kTable;
}

}  // namespace hone
