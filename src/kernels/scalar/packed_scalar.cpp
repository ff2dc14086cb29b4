// Interleaved quantized weights in plain loops over four rows.
#include <bit>

#include "formats/codebook.h"
#include "kernels/ahead.h"
#include "kernels/int8.h"
#include "kernels/packed.h"
#include "kernels/scalar/simd_scalar.h"
#include "kernels/tables.h"

namespace hone {
namespace scalar {
namespace {

// clang-format off
#include "kernels/packed_formats.h"
#include "kernels/packed_int8.h"
#include "kernels/int8_floats.h"
// clang-format on

}  // namespace
}  // namespace scalar

const PackedKernels* packed_scalar(FormatId format) noexcept {
  return scalar::packed_for(format);
}

const Int8Kernels* int8_scalar() noexcept {
  return &scalar::kInt8Kernels;
}

}  // namespace hone
