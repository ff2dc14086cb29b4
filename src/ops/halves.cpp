#include "ops/halves.h"

#include "kernels/kernels.h"
#include "ops/parallel.h"

namespace hone {
namespace {

const Format& bf16_format() {
  static const Format& format = format_of(FormatId::kBF16);
  return format;
}

}  // namespace

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
  const float scale = ks.f16 != nullptr ? f16_scale(ks.f16->largest(1, n, n, row)) : 1.0f;
  to_halves(ks, n, scale, row, out);
  return 1.0f / scale;
}

bool kept_in_halves(ComputeMode mode, size_t cols) noexcept {
  return mode != ComputeMode::kPrecise && cols % 2 == 0;
}

OperandRows::OperandRows(const Tensor& x, ComputeMode mode) : x_(x) {
  if (!multiplies_in_halves(mode) || x.cols() % 2 != 0) return;
  const Kernels& ks = active_kernels();
  halves_ = Tensor::empty({x.rows(), x.cols() / 2});
  if (ks.f16 != nullptr) factors_ = Tensor::empty({x.rows(), 1});
  parallel_rows(x.rows(), x.cols(), [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const float factor = row_to_halves(ks, x.cols(), x.row(r), reinterpret_cast<uint16_t*>(halves_.row(r)));
      if (factors_.defined()) *factors_.row(r) = factor;
    }
  });
}

GemmRows OperandRows::rows() const noexcept {
  GemmRows rows{x_.rows(), x_.cols(), x_.data(), x_.cols()};
  if (halves_.defined()) rows.halves = reinterpret_cast<const uint32_t*>(halves_.data());
  if (factors_.defined()) rows.factors = factors_.data();
  return rows;
}

MatrixView OperandRows::view() const noexcept {
  if (!halves_.defined() || factors_.defined()) return f32_view(x_);
  return {&bf16_format(), reinterpret_cast<const std::byte*>(halves_.data()), x_.rows(), x_.cols()};
}

KeptRows::KeptRows(const Tensor& x, ComputeMode mode) : tensor_(x.without_values()) {
  if (!kept_in_halves(mode, x.cols())) {
    f32_ = x;
    return;
  }
  halves_ = Tensor::empty({x.rows(), x.cols() / 2});
  parallel_rows(x.rows(), x.cols(), [&](size_t begin, size_t end) {
    active_kernels().f32_to_bf16((end - begin) * x.cols(), x.row(begin),
                                 reinterpret_cast<uint16_t*>(halves_.row(begin)));
  });
}

MatrixView KeptRows::view() const noexcept {
  if (f32_.defined()) return f32_view(f32_);
  return {&bf16_format(), reinterpret_cast<const std::byte*>(halves_.data()), tensor_.rows(), tensor_.cols()};
}

const uint32_t* KeptRows::halves() const noexcept {
  return halves_.defined() ? reinterpret_cast<const uint32_t*>(halves_.data()) : nullptr;
}

const float* KeptRows::rows(size_t begin, size_t n, float* room) const {
  if (f32_.defined()) return f32_.row(begin);
  const DecodeRow widen = active_kernels().decode_row(FormatId::kBF16);
  widen(reinterpret_cast<const std::byte*>(halves_.row(begin)), room, n * tensor_.cols());
  return room;
}

Tensor KeptRows::values() const {
  if (f32_.defined()) return f32_;
  Tensor x = Tensor::empty(tensor_.shape());
  parallel_rows(x.rows(), x.cols(),
                [&](size_t begin, size_t end) { rows(begin, end - begin, x.row(begin)); });
  return x;
}

}  // namespace hone
