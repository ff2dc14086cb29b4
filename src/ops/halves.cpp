#include "ops/halves.h"

#include <cstring>

#include "kernels/kernels.h"
#include "ops/parallel.h"

namespace hone {
bool multiplies_in_bf16(ComputeMode mode) noexcept {
  return mode != ComputeMode::kPrecise && active_kernels().tile_bf16 != nullptr;
}

bool multiplies_in_halves(ComputeMode mode) noexcept {
  return multiplies_in_bf16(mode) || (mode != ComputeMode::kPrecise && active_kernels().f16 != nullptr);
}

void to_halves(const Kernels& ks, size_t n, float scale, const float* x, uint16_t* out) noexcept {
  if (ks.f16 != nullptr)
    ks.f16->halve(n, scale, x, out);
  else
    ks.f32_to_bf16(n, x, out);
}

float row_to_halves(const Kernels& ks, size_t n, const float* row, uint16_t* out) noexcept {
  const float largest = ks.f16 != nullptr ? ks.f16->largest(1, n, n, row) : 1.0f;
  const float scale = ks.f16 != nullptr ? f16_scale(largest) : 1.0f;
  to_halves(ks, n, scale, row, out);
  // The factors of rows of gradients are as small as they are, and are themselves scaled together
  // (GemmRows::k_factors): that of a row of zeros must not be the largest of them.
  return largest == 0 ? 0.0f : 1.0f / scale;
}

bool kept_in_halves(ComputeMode mode, size_t cols) noexcept {
  return mode != ComputeMode::kPrecise && cols % 2 == 0;
}

KeptRows::KeptRows(const Tensor& x, ComputeMode mode, KeptFor purpose) : tensor_(x.without_values()) {
  if (!kept_in_halves(mode, x.cols())) {
    f32_ = x;
    return;
  }
  halves_ = Tensor::empty({x.rows(), x.cols() / 2});
  if (purpose == KeptFor::kProducts && active_kernels().f16 != nullptr)
    factors_ = Tensor::empty({x.rows(), 1});
  convert(x);
}

KeptRows KeptRows::room(const Tensor& x, ComputeMode mode) {
  KeptRows kept;
  kept.tensor_ = x;
  const bool halves = kept_in_halves(mode, x.cols());
  (halves ? kept.halves_ : kept.f32_) = Tensor::empty({x.rows(), halves ? x.cols() / 2 : x.cols()});
  return kept;
}

void KeptRows::put(size_t row, size_t col, size_t n, const float* x) const {
  if (halves_.defined())
    active_kernels().f32_to_bf16(n, x, reinterpret_cast<uint16_t*>(halves_.row(row)) + col);
  else
    std::memcpy(f32_.row(row) + col, x, n * sizeof(float));
}

void KeptRows::convert(const Tensor& x) {
  const Kernels& ks = active_kernels();
  parallel_rows(x.rows(), x.cols(), [&](size_t begin, size_t end) {
    auto* out = reinterpret_cast<uint16_t*>(halves_.row(begin));
    if (!factors_.defined()) return ks.f32_to_bf16((end - begin) * x.cols(), x.row(begin), out);
    for (size_t r = begin; r < end; ++r, out += x.cols())
      *factors_.row(r) = row_to_halves(ks, x.cols(), x.row(r), out);
  });
}

MatrixView KeptRows::view() const noexcept {
  if (f32_.defined()) return f32_view(f32_);
  const Format& format = format_of(factors_.defined() ? FormatId::kF16 : FormatId::kBF16);
  return {&format, reinterpret_cast<const std::byte*>(halves_.data()), tensor_.rows(), tensor_.cols()};
}

const uint32_t* KeptRows::halves() const noexcept {
  return halves_.defined() ? reinterpret_cast<const uint32_t*>(halves_.data()) : nullptr;
}

const float* KeptRows::rows(size_t begin, size_t n, float* room) const {
  if (f32_.defined()) return f32_.row(begin);
  const size_t cols = tensor_.cols();
  const DecodeRow widen = active_kernels().decode_row(factors_.defined() ? FormatId::kF16 : FormatId::kBF16);
  widen(reinterpret_cast<const std::byte*>(halves_.row(begin)), room, n * cols);
  for (size_t r = 0; factors_.defined() && r < n; ++r)
    for (size_t i = 0; i < cols; ++i) room[r * cols + i] *= factors_.data()[begin + r];
  return room;
}

Tensor KeptRows::values() const {
  if (f32_.defined()) return f32_;
  Tensor x = Tensor::empty(tensor_.shape());
  parallel_rows(x.rows(), x.cols(),
                [&](size_t begin, size_t end) { rows(begin, end - begin, x.row(begin)); });
  return x;
}

OperandRows::OperandRows(const Tensor& x, ComputeMode mode) : x_(x) {
  if (multiplies_in_halves(mode) && kept_in_halves(mode, x.cols()))
    halves_ = KeptRows(x, mode, KeptFor::kProducts);
}

GemmRows OperandRows::rows() const noexcept {
  return {x_.rows(), x_.cols(), x_.data(), x_.cols(), 1, halves_.halves(), halves_.factors()};
}

}  // namespace hone
