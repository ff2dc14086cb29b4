#include "ops/context.h"

#include "kernels/kernels.h"

namespace hone {

const char* compute_mode_name(ComputeMode mode) noexcept {
  if (mode == ComputeMode::kPrecise) return "precise (f32)";
  if (active_kernels().tile_bf16 != nullptr) return "default (bf16 products; int8 for single tokens)";
  return "default (f32 products; int8 for single tokens)";
}

bool fast_batches_are_precise() noexcept {
  return active_kernels().tile_bf16 == nullptr;
}

}  // namespace hone
