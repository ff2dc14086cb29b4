// The operands A of products in bf16, f16, 16-bit fixed point or int8, converted once.
#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "kernels/packed.h"
#include "ops/gemm.h"

namespace hone {

// Whether products of m rows and n columns are taken in 16-bit fixed point: where the processor does so, and
// operands are read often enough to be worth converting.
bool multiplies_in_i16(const Kernels& ks, size_t m, size_t n, ComputeMode mode) noexcept;

enum class OperandKind { kBf16, kF16, kI16, kInt8 };

// The targets with every A in one kind: those that are not yet are converted, each once, into the calling
// thread's scratch.
class ConvertedTargets {
 public:
  ConvertedTargets(const Kernels& ks, OperandKind kind, std::span<const GemmTarget> targets);
  std::span<const GemmTarget> targets() const { return targets_; }

 private:
  size_t first_like(size_t idx) const;
  void convert_terms(const Kernels& ks, OperandKind kind);
  std::vector<GemmTerm> terms_;
  std::vector<GemmTarget> targets_;
};

// What converting to int8 left in a's halves and factors.
struct Int8Operand {
  Int8Rows rows;
  int32_t* terms;  // (m, k / 32): PackedKernels::run_terms
  explicit Int8Operand(const GemmRows& a) noexcept;
};

}  // namespace hone
