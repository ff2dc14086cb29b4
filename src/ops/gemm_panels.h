// Products in f32 or bf16 over unpacked panels of W: prefill of float weights, and everything that trains.
#pragma once

#include "ops/gemm.h"

namespace hone {

enum class WeightLayout {
  kNt,  // W stored (N, K)
  kNn,  // W stored (K, N)
};

struct PanelProblem {
  size_t m = 0, k = 0;
  const float* a = nullptr;  // element (i, j) at a[i * a_row + j * a_col]
  size_t a_row = 0, a_col = 0;
  WeightLayout layout = WeightLayout::kNt;
  float alpha = 1;
  bool accumulate = false;
};

// C (M, N) = alpha * A W^T or alpha * A W for every target, in f32, or in bf16 where the ISA has it.
void gemm_panels(const PanelProblem& problem, std::span<const GemmTarget> targets, bool bf16);

}  // namespace hone
