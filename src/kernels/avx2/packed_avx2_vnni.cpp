// Interleaved quantized weights over 256-bit VNNI. The tests include this file with the instruction's other
// encoding.
#define HONE_VNNI_256 1
#include <bit>

#include "formats/codebook.h"
#include "kernels/ahead.h"
#include "kernels/avx2/simd_avx2.h"
#include "kernels/int8.h"
#include "kernels/packed.h"
#include "kernels/tables.h"

namespace hone {
namespace avx2 {
namespace {

// clang-format off
#include "kernels/packed_formats.h"
#include "kernels/packed_int8.h"
#include "kernels/int8_floats.h"
// clang-format on

}  // namespace
}  // namespace avx2

const PackedKernels* packed_avx2_vnni(FormatId format) noexcept {
  return avx2::packed_for(format);
}

const Int8Kernels* int8_avx2_vnni() noexcept {
  return &avx2::kInt8Kernels;
}

}  // namespace hone
