// One table per instruction set; each is defined in its own folder, compiled with its own flags.
#pragma once

#include "kernels/kernels.h"

namespace hone {

const Kernels& scalar_kernels() noexcept;
const Kernels& avx2_kernels() noexcept;
const Kernels& avx512_kernels() noexcept;

const PackedKernels* packed_scalar(FormatId format) noexcept;
const PackedKernels* packed_avx2(FormatId format) noexcept;
// The same over 256-bit VNNI (cpu/isa.h: has_avx_vnni).
const PackedKernels* packed_avx2_vnni(FormatId format) noexcept;
const PackedKernels* packed_avx512(FormatId format) noexcept;

}  // namespace hone
