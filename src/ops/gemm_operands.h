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

// With fewer rows of A, making codes of W costs more than products in int8 save.
constexpr size_t kMinInt8Rows = 32;

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

// Rows of A in codes of 8 bits, for panels of codes; k is a multiple of 32.
class Int8Codes {
 public:
  // What they take: elements of 32 bits and factors.
  static size_t size(size_t m, size_t k) noexcept { return m * (k / 4); }
  static size_t n_factors(size_t m, size_t k) noexcept { return m * (k / 8); }

  Int8Codes(size_t m, size_t k, const uint32_t* codes, const float* factors) noexcept;
  // Of an operand that was converted.
  explicit Int8Codes(const GemmRows& a) noexcept : Int8Codes(a.m, a.k, a.halves, a.factors) {}

  // From column k0 on, a multiple of 32; and what they add to products there (PackedKernels::run_terms).
  Int8Rows rows(size_t m, size_t k0) const noexcept { return rows_.from(m, k0); }
  const int32_t* terms(size_t m, size_t k0) const noexcept { return terms_ + (m * rows_.k + k0) / 32; }

  // Writes to the memory that was given: columns [k0, k0 + n) of a row, then, when rows [m, m + n) have all
  // theirs, what they add.
  void encode(const Kernels& ks, size_t m, size_t k0, size_t n, const float* x) const noexcept;
  void fill_terms(const Kernels& ks, size_t m, size_t n) const noexcept;

 private:
  Int8Rows rows_;
  int32_t* terms_;
};

}  // namespace hone
