#include "kernels/kernels.h"

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
#else
    case Isa::kAvx2:
    case Isa::kAvx512:
      return nullptr;
#endif
  }
  return nullptr;
}

const Kernels& active_kernels() {
  static const Kernels kernels = [] {
    Kernels active = *kernels_for(active_isa());
    if (!bf16_pays()) active.tile_bf16 = nullptr;
    return active;
  }();
  return kernels;
}

}  // namespace hone
