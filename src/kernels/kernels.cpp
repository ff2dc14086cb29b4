#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>

#include "kernels/tables.h"

namespace hone {

const Kernels* kernels_for(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return &scalar_kernels();
#if defined(HONE_X86)
    case Isa::kAvx2:
      return &avx2_kernels();
    case Isa::kAvx512:
      return &avx512_kernels();
    case Isa::kAmx:
      return &amx_kernels();
#else
    case Isa::kAvx2:
    case Isa::kAvx512:
    case Isa::kAmx:
      return nullptr;
#endif
  }
  return nullptr;
}

const F16Kernels* f16_kernels(Isa isa) noexcept {
  if (isa == Isa::kScalar) return &f16_scalar();
#if defined(HONE_X86)
  if ((isa == Isa::kAvx512 || isa == Isa::kAmx) && has_avx512_fp16()) return &f16_avx512();
#endif
  return nullptr;
}

const I16Kernels* i16_kernels(Isa isa) noexcept {
  if (isa == Isa::kScalar) return &i16_scalar();
#if defined(HONE_X86)
  if (isa == Isa::kAvx2) return &i16_avx2();
#endif
  return nullptr;
}

float f16_scale(float largest) noexcept {
  if (!(largest > 0) || !std::isfinite(largest)) return 1;
  // The scale and its reciprocal stay normal numbers.
  return std::ldexp(kF16Largest / 2, -std::clamp(std::ilogb(largest), -120, 127));
}

const Kernels& active_kernels() {
  static const Kernels kernels = [] {
    const FloatProducts products = fast_products();
    // All that AMX is for are products in bf16.
    const bool no_tiles = active_isa() == Isa::kAmx && products != FloatProducts::kBf16;
    Kernels active = *kernels_for(no_tiles ? Isa::kAvx512 : active_isa());
    if (products != FloatProducts::kBf16) {
      active.tile_bf16 = nullptr;
      active.outer_bf16 = nullptr;
    }
    if (products == FloatProducts::kF16) active.f16 = f16_kernels(active_isa());
    if (products == FloatProducts::kI16) active.i16 = i16_kernels(active_isa());
    return active;
  }();
  return kernels;
}

}  // namespace hone
