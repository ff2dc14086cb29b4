// The operands A of products in bf16 or f16, converted once.
#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "ops/gemm.h"

namespace hone {

// The targets with every A in halves of the active kind: those that are not yet are converted, each once,
// into the calling thread's scratch.
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
