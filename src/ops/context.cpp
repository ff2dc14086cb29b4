#include "ops/context.h"

#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/matrix.h"

namespace hone {

bool int8_is_fastest() noexcept {
  return active_kernels().int8() != nullptr;
}

const char* compute_mode_name(ComputeMode mode) noexcept {
  if (mode == ComputeMode::kPrecise) return "precise (f32)";
  if (mode == ComputeMode::kInt8 && !int8_is_fastest()) mode = ComputeMode::kFast;
  const auto products = static_cast<size_t>(fast_products());
  static constexpr const char* kAll[] = {"f32 products", "bf16 products", "f16 products",
                                         "16-bit fixed-point products"};
  static constexpr const char* kFloats[] = {
      "default (int8 activations on quantized weights, f32 products on others)",
      "default (int8 activations on quantized weights, bf16 products on others)",
      "default (int8 activations on quantized weights, f16 products on others)",
      "default (int8 activations on quantized weights, 16-bit fixed-point products on others)"};
  static constexpr const char* kTrained[] = {
      "default (int8 activations on quantized weights, f32 products on others; gradients in int8 and f32)",
      "default (int8 activations on quantized weights, bf16 products on others; gradients in int8 and bf16)",
      "default (int8 activations on quantized weights, f16 products on others; gradients in int8 and f16)",
      "default (int8 activations on quantized weights, 16-bit fixed-point products on others; gradients in "
      "int8 and fixed point)"};
  if (mode == ComputeMode::kHalf) return kAll[products];
  if (active_kernels().bf16_outruns_int8)
    return "default (bf16 products; int8 activations on quantized weights for a few rows, as in decoding)";
  return (mode == ComputeMode::kInt8 ? kTrained : kFloats)[products];
}

HeadProduct head_product(ComputeMode mode, size_t rows) noexcept {
  if (mode != ComputeMode::kFast && mode != ComputeMode::kInt8) return {mode};
  if (mode == ComputeMode::kInt8 && int8_is_fastest() && rows > kSteadyRows) return {mode};
  const bool others = multiplies_in_halves(mode) || active_kernels().i16 != nullptr;
  if (rows <= kSteadyRows || !others) return {mode, true};
  return {ComputeMode::kHalf};
}

bool int8_outruns_i16(const Format& format) noexcept {
  const PackedKernels* packing = packing_of(format);
  return packing == nullptr || !packing->slower_than_i16 || active_kernels().i16 == nullptr;
}

bool fast_is_precise(const Format& format) noexcept {
  return fast_products() == FloatProducts::kF32 && packing_of(format) == nullptr;
}

}  // namespace hone
