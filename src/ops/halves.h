// Activations as backward and the products of a compute mode read them. Unless all is in f32, a copy of half
// the size is all that is kept of a tensor until backward: in bf16, or, for products in f16, in f16 with a
// factor for every row; the products take it as it is.
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
// A row with a scale of its own; returns what its products are multiplied by: the scale's reciprocal, 0 for a
// row of zeros.
float row_to_halves(const Kernels& ks, size_t n, const float* row, uint16_t* out) noexcept;

// Whether rows of so many columns are kept as halves: rows of an odd length would not begin on whole pairs.
bool kept_in_halves(ComputeMode mode, size_t cols) noexcept;

// What rows are kept for: their values, or products in which they are operands, too.
enum class KeptFor { kValues, kProducts };

class KeptRows {
 public:
  KeptRows() = default;
  KeptRows(const Tensor& x, ComputeMode mode, KeptFor purpose = KeptFor::kValues);
  // Room for the values of a valueless tensor, which put() fills: n of row `row` from column `col` on.
  static KeptRows room(const Tensor& x, ComputeMode mode);
  void put(size_t row, size_t col, size_t n, const float* x) const;

  bool defined() const noexcept { return f32_.defined() || halves_.defined(); }
  // The tensor without its values, for the tape.
  const Tensor& tensor() const noexcept { return tensor_; }
  // (T, C) as a stored matrix; with factors() its rows are those times theirs.
  MatrixView view() const noexcept;
  // For GemmRows::halves; null when the values are kept in f32.
  const uint32_t* halves() const noexcept;
  // (T) for GemmRows::factors and k_factors; null unless the halves are f16.
  const float* factors() const noexcept { return factors_.defined() ? factors_.data() : nullptr; }
  // Rows [begin, begin + n) in f32: the tensor's own, or the halves widened into `room` (n, C).
  const float* rows(size_t begin, size_t n, float* room) const;
  // (T, C) in f32: the tensor itself, or the halves widened.
  Tensor values() const;

 private:
  void convert(const Tensor& x);
  Tensor tensor_, f32_, halves_, factors_;
};

// x for several products that follow at once: converted once to the halves that they multiply, if any.
class OperandRows {
 public:
  OperandRows(const Tensor& x, ComputeMode mode);
  // The same with halves made before; `kept` outlives this.
  OperandRows(const Tensor& x, const KeptRows& kept) : x_(x), halves_(kept) {}
  GemmRows rows() const noexcept;
  // (T, C) as a stored matrix, its rows to be multiplied by k_factors() unless that is null.
  MatrixView view() const noexcept { return halves_.defined() ? halves_.view() : f32_view(x_); }
  const float* k_factors() const noexcept { return halves_.factors(); }

 private:
  Tensor x_;
  KeptRows halves_;
};

}  // namespace hone
