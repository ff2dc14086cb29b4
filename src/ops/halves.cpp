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

KeptRows::KeptRows(const Tensor& x, ComputeMode mode) : rows_(x.rows()), cols_(x.cols()) {
  // Rows of an odd length would not begin on whole pairs.
  if (!multiplies_in_bf16(mode) || cols_ % 2 != 0) {
    f32_ = x;
    return;
  }
  halves_ = Tensor::empty({rows_, cols_ / 2});
  parallel_rows(rows_, cols_, [&](size_t begin, size_t end) {
    active_kernels().f32_to_bf16((end - begin) * cols_, x.row(begin),
                                 reinterpret_cast<uint16_t*>(halves_.row(begin)));
  });
}

MatrixView KeptRows::view() const noexcept {
  if (f32_.defined()) return f32_view(f32_);
  return {&bf16_format(), reinterpret_cast<const std::byte*>(halves_.data()), rows_, cols_};
}

const uint32_t* KeptRows::halves() const noexcept {
  return halves_.defined() ? reinterpret_cast<const uint32_t*>(halves_.data()) : nullptr;
}

const float* KeptRows::rows(size_t begin, size_t n, float* room) const {
  if (f32_.defined()) return f32_.row(begin);
  const DecodeRow widen = active_kernels().decode_row(FormatId::kBF16);
  widen(reinterpret_cast<const std::byte*>(halves_.row(begin)), room, n * cols_);
  return room;
}

Tensor KeptRows::values() const {
  if (f32_.defined()) return f32_;
  Tensor x = Tensor::empty({rows_, cols_});
  parallel_rows(rows_, cols_, [&](size_t begin, size_t end) { rows(begin, end - begin, x.row(begin)); });
  return x;
}

}  // namespace hone
