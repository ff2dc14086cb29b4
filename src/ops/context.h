// What every op is told besides its tensors.
#pragma once

#include <span>

#include "ops/tensor.h"

namespace hone {

struct Format;
class Linear;

// Sees the input of every Linear during forward: calibration and statistics. x (T, C).
class LinearObserver {
 public:
  virtual ~LinearObserver() = default;
  virtual void on_input(const Linear& linear, const Tensor& x) = 0;
};

enum class ComputeMode {
  kPrecise,  // every product in f32
  // Forward: int8 activations with quantized weights (with AMX of a few rows only); with float ones products
  // in bf16 or f16, where they are faster than f32's (fast_products). Gradients: the same as with float ones.
  kFast,
  // As kFast, and in int8, where the processor multiplies that faster (int8_is_fastest): gradients that flow
  // through weights of any format that are not trained, and the vocabulary projection of many rows.
  kInt8,
  kHalf,  // products in bf16 or f16 where they are faster than f32's, whatever the weights
};
// How the vocabulary projection of many rows multiplies: int8 activations would cost there a quarter of all
// the divergence from f32 (about 0.0008 nats with SmolLM2), so the fast mode takes halves, or two planes of
// codes (GemmTerm::exact) where those do not pay.
struct HeadProduct {
  ComputeMode compute;
  bool exact = false;
};
HeadProduct head_product(ComputeMode mode, size_t rows) noexcept;

// Whether kInt8 differs from kFast on the active ISA.
bool int8_is_fastest() noexcept;

// How a model is used and measured.
inline ComputeMode serving_mode(bool precise) noexcept {
  return precise ? ComputeMode::kPrecise : ComputeMode::kFast;
}
// The mode of training steps.
inline ComputeMode training_mode(bool precise) noexcept {
  return precise ? ComputeMode::kPrecise : ComputeMode::kInt8;
}

// "precise (f32)" or what the mode means on the active ISA, for printing beside numbers.
const char* compute_mode_name(ComputeMode mode) noexcept;

// Whether int8 codes are the fastest this processor can multiply many rows of this (quantized) format with:
// where codes of 8 bits must be widened at once (AVX2 without VNNI), 16-bit fixed point is.
bool int8_outruns_i16(const Format& format) noexcept;
// Whether the fast mode multiplies weights of this format exactly as the precise one does.
bool fast_is_precise(const Format& format) noexcept;

struct OpContext {
  Tape* tape = nullptr;  // null: inference
  ComputeMode compute = ComputeMode::kFast;
  LinearObserver* observer = nullptr;
  // Without a tape now, but to be computed again with one: what a tape rounds is rounded here, too.
  bool repeated = false;
  // Every row's result is, bit for bit, what it would be alone, for up to kSteadyRows rows: tokens that are
  // checked together must be chosen as they would be one by one. Costs time where a few rows are multiplied
  // with less precision than one.
  bool steady = false;
  // Rows of x, in order, that become two planes of codes where the others become one: a text's first tokens,
  // on which later ones rest their attention (Model).
  std::span<const size_t> exact_rows = {};
};
constexpr size_t kSteadyRows = 8;

}  // namespace hone
