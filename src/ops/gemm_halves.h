// The operands A of products in bf16, f16 or 16-bit fixed point, converted once.
#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "ops/gemm.h"

namespace hone {

// Whether products of m rows and n columns are taken in 16-bit fixed point: where the processor does so, and
// operands are read often enough to be worth converting.
bool multiplies_in_i16(const Kernels& ks, size_t m, size_t n, ComputeMode mode) noexcept;

// The targets with every A in halves of the active kind, or in fixed point: those that are not yet are
// converted, each once, into the calling thread's scratch.
class HalvedTargets {
 public:
  HalvedTargets(const Kernels& ks, std::span<const GemmTarget> targets);
  std::span<const GemmTarget> targets() const { return targets_; }

 private:
  size_t first_like(size_t idx) const;
  void convert_terms(const Kernels& ks);
  std::vector<GemmTerm> terms_;
  std::vector<GemmTarget> targets_;
};

}  // namespace hone
