#include "ops/context.h"

#include "kernels/kernels.h"
#include "ops/halves.h"
#include "ops/matrix.h"

namespace hone {

const char* compute_mode_name(ComputeMode mode) noexcept {
  if (mode == ComputeMode::kPrecise) return "precise (f32)";
  const bool bf16 = active_kernels().tile_bf16 != nullptr;
  if (mode == ComputeMode::kHalf) return bf16 ? "bf16 products" : "f32 products";
  return bf16 ? "default (int8 activations on quantized weights, bf16 products on others)"
              : "default (int8 activations on quantized weights, f32 products on others)";
}

HeadProduct head_product(ComputeMode mode, size_t rows) noexcept {
  constexpr size_t kDecodedRows = 8;
  if (mode != ComputeMode::kFast || rows <= kDecodedRows) return {mode};
  if (!multiplies_in_bf16(mode)) return {mode, true};
  return {ComputeMode::kHalf};
}

bool fast_is_precise(const Format& format) noexcept {
  return active_kernels().tile_bf16 == nullptr && packing_of(format) == nullptr;
}

}  // namespace hone
