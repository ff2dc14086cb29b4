// Interleaved quantized weights.
#include <bit>

#include "formats/codebook.h"
#include "kernels/ahead.h"
#include "kernels/avx2/simd_avx2.h"
#include "kernels/packed.h"
#include "kernels/tables.h"

namespace hone {
namespace avx2 {
namespace {

// clang-format off
#include "kernels/packed_formats.h"
#include "kernels/packed_int8.h"
// clang-format on

}  // namespace
}  // namespace avx2

const PackedKernels* packed_avx2(FormatId format) noexcept {
  return avx2::packed_for(format);
}

}  // namespace hone
