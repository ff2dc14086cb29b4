// Activations as backward and the products of a compute mode read them. Unless all is in f32, a bf16 copy of
// half the size is all that is kept of a tensor until backward; bf16 products take it as it is. Products in
// f16 have halves of their own.
#pragma once

#include <cstdint>

#include "ops/context.h"
#include "ops/gemm.h"
#include "ops/matrix.h"

namespace hone {

// Whether products of float operands are in bf16 in this mode on this processor, and whether in bf16 or f16.
bool multiplies_in_bf16(ComputeMode mode) noexcept;
bool multiplies_in_halves(ComputeMode mode) noexcept;
struct Kernels;
// n elements in the halves that are multiplied; in f16 times `scale`, which bf16 does not need.
void to_halves(const Kernels& ks, size_t n, float scale, const float* x, uint16_t* out) noexcept;
// A row with a scale of its own; returns what its products are multiplied by, the scale's reciprocal.
float row_to_halves(const Kernels& ks, size_t n, const float* row, uint16_t* out) noexcept;

// Whether rows of so many columns are kept as halves: rows of an odd length would not begin on whole pairs.
bool kept_in_halves(ComputeMode mode, size_t cols) noexcept;

class KeptRows {
 public:
  KeptRows() = default;
  KeptRows(const Tensor& x, ComputeMode mode);

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

// x for several products that follow at once: converted once to the halves that they multiply, if any.
class OperandRows {
 public:
  OperandRows(const Tensor& x, ComputeMode mode);
  GemmRows rows() const noexcept;
  // (T, C) as a stored matrix, in bf16 or f32.
  MatrixView view() const noexcept;

 private:
  Tensor x_, halves_, factors_;
};

}  // namespace hone
