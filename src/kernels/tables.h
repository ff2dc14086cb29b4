// One table per instruction set; each is defined in its own folder, compiled with its own flags.
#pragma once

#include "kernels/f16.h"
#include "kernels/i16.h"
#include "kernels/kernels.h"

namespace hone {

const Kernels& scalar_kernels() noexcept;
const Kernels& avx2_kernels() noexcept;
const Kernels& avx512_kernels() noexcept;
const Kernels& amx_kernels() noexcept;

const F16Kernels& f16_scalar() noexcept;
// For processors with has_avx512_fp16 (cpu/isa.h).
const F16Kernels& f16_avx512() noexcept;

const I16Kernels& i16_scalar() noexcept;
const I16Kernels& i16_avx2() noexcept;

void outer_bf16_avx512(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w,
                       size_t stride, float* c, size_t ldc, float alpha, bool accumulate) noexcept;

const PackedKernels* packed_scalar(FormatId format) noexcept;
const PackedKernels* packed_avx2(FormatId format) noexcept;
// The same over 256-bit VNNI (cpu/isa.h: has_avx_vnni).
const PackedKernels* packed_avx2_vnni(FormatId format) noexcept;
const PackedKernels* packed_avx512(FormatId format) noexcept;

const Int8Kernels* int8_scalar() noexcept;
const Int8Kernels* int8_avx2_vnni() noexcept;
const Int8Kernels* int8_avx512() noexcept;

}  // namespace hone
