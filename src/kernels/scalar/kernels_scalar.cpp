// The scalar table: plain loops in the obvious order, the oracle for every other instruction set.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "kernels/ahead.h"
#include "kernels/scalar/simd_scalar.h"
#include "kernels/tables.h"

namespace hone {
namespace scalar {
namespace {

float half_at(const std::byte* p) noexcept {
  uint16_t half;
  std::memcpy(&half, p, 2);
  return f16_to_f32(half);
}
float bf16_at(const std::byte* p) noexcept {
  uint16_t half;
  std::memcpy(&half, p, 2);
  return bf16_to_f32(half);
}

// clang-format off
#include "kernels/stored_floats.h"
#include "kernels/attend.h"
// clang-format on

}  // namespace
}  // namespace scalar

namespace {

constexpr size_t kTileM = 4, kTileN = 8;

void tile_f32(size_t mr, size_t nr, size_t k, const float* a, size_t a_row, size_t a_col, const float* b,
              size_t ldb, float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  for (size_t m = 0; m < mr; ++m) {
    float sum[kTileN] = {};
    for (size_t i = 0; i < k; ++i) {
      const float x = a[m * a_row + i * a_col];
      for (size_t n = 0; n < nr; ++n) sum[n] += x * b[i * ldb + n];
    }
    for (size_t n = 0; n < nr; ++n) {
      float& out = c[m * ldc + n];
      out = accumulate ? out + alpha * sum[n] : alpha * sum[n];
    }
  }
}

void transpose32(size_t rows, size_t cols, const uint32_t* in, size_t in_stride, uint32_t* out,
                 size_t out_stride) noexcept {
  for (size_t c = 0; c < cols; ++c)
    for (size_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
}

void to_bf16(size_t n, const float* x, uint16_t* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f32_to_bf16(x[i]);
}

void to_f16(size_t n, const float* x, uint16_t* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f32_to_f16(x[i]);
}

void pair_bf16(size_t n, const float* even, const float* odd, uint32_t* y) noexcept {
  for (size_t i = 0; i < n; ++i)
    y[i] = static_cast<uint32_t>(f32_to_bf16(even[i])) | static_cast<uint32_t>(f32_to_bf16(odd[i])) << 16;
}

float dot(size_t n, const float* a, const float* b) noexcept {
  float sum[8] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; ++j) sum[j] += a[i + j] * b[i + j];
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

void axpy(size_t n, float alpha, const float* x, float* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

void scale_mul(size_t n, float s, const float* x, const float* w, float* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = s * x[i] * w[i];
}

float max_of(size_t n, const float* x) noexcept {
  return *std::max_element(x, x + n);
}

size_t sample(size_t n, float scale, float least, const float* x, const float* u, uint32_t first,
              uint32_t* ids, float* values) noexcept {
  size_t kept = 0;
  for (size_t i = 0; i < n; ++i) {
    const float y = x[i] * scale;
    if (!(y - u[i] * least > 0)) continue;
    ids[kept] = first + static_cast<uint32_t>(i);
    values[kept++] = std::max(y, least);
  }
  return kept;
}

void add_paired_rows(size_t n, size_t count, const uint32_t* ids, uint32_t first, const float* values,
                     const uint32_t* rows, float* y) noexcept {
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < n; ++j) {
      const uint32_t pair = rows[(ids[i] - first) * n + j];
      y[j] += values[i] * std::bit_cast<float>(pair << 16);
      y[n + j] += values[i] * std::bit_cast<float>(pair & 0xffff0000u);
    }
}

double exp_sum(size_t n, float scale, float shift, const float* x, float* y) noexcept {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    y[i] = std::exp(x[i] * scale - shift);
    sum += static_cast<double>(y[i]);
  }
  return sum;
}

float sigmoid(float x) noexcept {
  return 1.0f / (1.0f + std::exp(-x));
}

// Gates of the form x sigmoid(z(x)); see generic_f32.h.
struct SiluGate {
  static float z(float x) { return x; }
  static float slope(float) { return 1.0f; }
};
struct GeluGate {
  static constexpr float kLinear = 1.5957691216057308f, kCubic = 0.044715f * kLinear;
  static float z(float x) { return x * (kLinear + kCubic * x * x); }
  static float slope(float x) { return kLinear + 3 * kCubic * x * x; }
};

template <typename Gate>
void gated(size_t n, const float* gate, const float* up, float* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = gate[i] * sigmoid(Gate::z(gate[i])) * up[i];
}

template <typename Gate>
void gated_backward(size_t n, const float* gate, const float* up, const float* dy, float* dgate,
                    float* dup) noexcept {
  for (size_t i = 0; i < n; ++i) {
    const float s = sigmoid(Gate::z(gate[i]));
    const float act = gate[i] * s;
    const float g = dy[i];
    dup[i] = g * act;
    dgate[i] = g * up[i] * (s + act * Gate::slope(gate[i]) * (1.0f - s));
  }
}

void quantize_int8(size_t n, const float* x, int8_t* q, float* d, int32_t* sums) noexcept {
  for (size_t block = 0; block < n / 32; ++block) {
    const float* in = x + block * 32;
    float largest = 0;
    bool has_nan = false;
    for (size_t i = 0; i < 32; ++i) {
      largest = std::max(largest, std::fabs(in[i]));
      has_nan = has_nan || std::isnan(in[i]);
    }
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    sums[2 * block] = sums[2 * block + 1] = 0;
    for (size_t i = 0; i < 32; ++i) {
      const float scaled = in[i] * inverse;  // infinity times 0 is no number either
      const int code = std::isnan(scaled) ? 0 : static_cast<int>(std::nearbyint(scaled));
      q[block * 32 + i] = static_cast<int8_t>(code);
      sums[2 * block + i / 16] += code;
    }
    // A NaN is not lost among numbers: its block becomes NaN.
    d[block] = has_nan ? __builtin_nanf("") : largest / 127.0f;
  }
}

template <typename Decode>
float dot_stored(size_t n, const std::byte* w, const float* x, Decode decode) noexcept {
  float sum[8] = {};
  for (size_t i = 0; i < n; ++i) {
    uint16_t half;
    std::memcpy(&half, w + 2 * i, 2);
    sum[i % 8] += decode(half) * x[i];
  }
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

float dot_f32(size_t n, const std::byte* w, const float* x) noexcept {
  return dot(n, reinterpret_cast<const float*>(w), x);
}
float dot_f16(size_t n, const std::byte* w, const float* x) noexcept {
  return dot_stored(n, w, x, f16_to_f32);
}
float dot_bf16(size_t n, const std::byte* w, const float* x) noexcept {
  return dot_stored(n, w, x, bf16_to_f32);
}
template <float (*kDot)(size_t, const std::byte*, const float*) noexcept>
void dots(size_t m, size_t n, const std::byte* w, const float* x, size_t ldx, float* y) noexcept {
  for (size_t i = 0; i < m; ++i) y[i] = kDot(n, w, x + i * ldx);
}

DotsFloat dots_float(FormatId format) noexcept {
  if (format == FormatId::kF32) return dots<dot_f32>;
  if (format == FormatId::kF16) return dots<dot_f16>;
  if (format == FormatId::kBF16) return dots<dot_bf16>;
  return nullptr;
}

DecodeRow decode_row(FormatId format) noexcept {
  return find_format(format)->to_float;
}

void halves_of_f32(const std::byte* w, uint16_t* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    float x;
    std::memcpy(&x, w + 4 * i, sizeof x);
    y[i] = f32_to_bf16(x);
  }
}

void halves_of_f16(const std::byte* w, uint16_t* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    uint16_t x;
    std::memcpy(&x, w + 2 * i, sizeof x);
    y[i] = f32_to_bf16(f16_to_f32(x));
  }
}

void halves_of_bf16(const std::byte* w, uint16_t* y, size_t n) noexcept {
  std::memcpy(y, w, 2 * n);
}

HalfRow half_row(FormatId format) noexcept {
  if (format == FormatId::kF32) return halves_of_f32;
  if (format == FormatId::kF16) return halves_of_f16;
  return format == FormatId::kBF16 ? halves_of_bf16 : nullptr;
}

template <HalfRow kHalves, size_t kBytes>
void pair_stored(const std::byte* even, const std::byte* odd, uint32_t* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    uint16_t low, high;
    kHalves(even + i * kBytes, &low, 1);
    kHalves(odd + i * kBytes, &high, 1);
    y[i] = static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
  }
}

PairRows pair_rows(FormatId format) noexcept {
  if (format == FormatId::kF32) return pair_stored<halves_of_f32, 4>;
  if (format == FormatId::kF16) return pair_stored<halves_of_f16, 2>;
  return format == FormatId::kBF16 ? pair_stored<halves_of_bf16, 2> : nullptr;
}

template <FormatId kFormat>
void split(size_t n_pairs, size_t width, const uint32_t* in, float* out) noexcept {
  const auto widen = [](uint32_t half) {
    return kFormat == FormatId::kF16 ? f16_to_f32(static_cast<uint16_t>(half))
                                     : bf16_to_f32(static_cast<uint16_t>(half));
  };
  for (size_t p = 0; p < n_pairs; ++p, in += width, out += 2 * width)
    for (size_t i = 0; i < width; ++i) {
      out[i] = widen(in[i] & 0xffff);
      out[width + i] = widen(in[i] >> 16);
    }
}

SplitPairs split_pairs(FormatId format) noexcept {
  if (format == FormatId::kF16) return split<FormatId::kF16>;
  return format == FormatId::kBF16 ? split<FormatId::kBF16> : nullptr;
}

constexpr Kernels kTable = {
    .isa = Isa::kScalar,
    .tile_m = kTileM,
    .tile_n = kTileN,
    .tile_f32 = tile_f32,
    .tile_m_bf16 = 0,
    .tile_n_bf16 = 0,
    .bf16_block_m = 0,
    .bf16_slice_k = 0,
    .tile_bf16 = nullptr,
    .outer_bf16 = nullptr,
    .transpose32 = transpose32,
    .f32_to_bf16 = to_bf16,
    .f32_to_f16 = to_f16,
    .pair_bf16 = pair_bf16,
    .dot = dot,
    .axpy = axpy,
    .scale_mul = scale_mul,
    .max = max_of,
    .exp_sum = exp_sum,
    .sample = sample,
    .add_paired_rows = add_paired_rows,
    .swiglu = gated<SiluGate>,
    .swiglu_backward = gated_backward<SiluGate>,
    .geglu = gated<GeluGate>,
    .geglu_backward = gated_backward<GeluGate>,
    .rotate_pairs = scalar::rotate_pairs,
    .attend_scores_f32 = scalar::attend_scores<scalar::StoredF32>,
    .attend_scores_f16 = scalar::attend_scores<scalar::StoredF16>,
    .attend_mix_f32 = scalar::attend_mix<scalar::StoredF32>,
    .attend_mix_f16 = scalar::attend_mix<scalar::StoredF16>,
    .attend_mix_q8_0 = scalar::attend_mix_q8_0,
    .quantize_int8 = quantize_int8,
    .packed = packed_scalar,
    .int8 = int8_scalar,
    .dots_float = dots_float,
    .decode_row = decode_row,
    .half_row = half_row,
    .pair_rows = pair_rows,
    .split_pairs = split_pairs,
};

}  // namespace

const Kernels& scalar_kernels() noexcept {
  return kTable;
}

}  // namespace hone
