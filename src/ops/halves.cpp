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

bool kept_in_halves(ComputeMode mode, size_t cols) noexcept {
  return mode != ComputeMode::kPrecise && cols % 2 == 0;
}

KeptRows KeptRows::operand(const Tensor& x, ComputeMode mode) {
  return {x, multiplies_in_bf16(mode) ? mode : ComputeMode::kPrecise};
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
