// Interleaved quantized weights.
#include <bit>

#include "formats/codebook.h"
#include "kernels/ahead.h"
#include "kernels/avx512/simd_avx512.h"
#include "kernels/int8.h"
#include "kernels/packed.h"
#include "kernels/tables.h"

namespace hone {
namespace avx512 {
namespace {

// clang-format off
#include "kernels/packed_formats.h"
#include "kernels/packed_int8.h"
#include "kernels/int8_floats.h"
// clang-format on

}  // namespace
}  // namespace avx512

const PackedKernels* packed_avx512(FormatId format) noexcept {
  return avx512::packed_for(format);
}

const Int8Kernels* int8_avx512() noexcept {
  return &avx512::kInt8Kernels;
}

}  // namespace hone
