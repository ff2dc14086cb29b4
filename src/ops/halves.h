// Activations as backward and the products of a compute mode read them. Unless all is in f32, a bf16 copy of
// half the size is all that is kept of a tensor until backward; bf16 products take it as it is.
#pragma once

#include <cstdint>

#include "ops/context.h"
#include "ops/matrix.h"

namespace hone {

// Whether products of float operands are in bf16 in this mode on this processor, and whether in bf16 or f16.
bool multiplies_in_bf16(ComputeMode mode) noexcept;
bool multiplies_in_halves(ComputeMode mode) noexcept;
// Whether rows of so many columns are kept as halves: rows of an odd length would not begin on whole pairs.
bool kept_in_halves(ComputeMode mode, size_t cols) noexcept;

class KeptRows {
 public:
  KeptRows() = default;
  KeptRows(const Tensor& x, ComputeMode mode);
  // x for products that follow at once: halves only where they are multiplied as such.
  static KeptRows operand(const Tensor& x, ComputeMode mode);

  bool defined() const noexcept { return f32_.defined() || halves_.defined(); }
  // The tensor without its values, for the tape.
  const Tensor& tensor() const noexcept { return tensor_; }
  // (T, C) as a stored matrix.
  MatrixView view() const noexcept;
  // For GemmRows::halves; null when the values are kept in f32.
  const uint32_t* halves() const noexcept;
  // Rows [begin, begin + n) in f32: the tensor's own, or the halves widened into `room` (n, C).
  const float* rows(size_t begin, size_t n, float* room) const;
  // (T, C) in f32: the tensor itself, or the halves widened.
  Tensor values() const;

 private:
  Tensor tensor_, f32_, halves_;
};

}  // namespace hone
