// Which instruction set is active. Chosen once from what the processor and the operating system offer; the
// environment variable HONE_ISA (scalar, avx2, avx512, amx) overrides and is an error when not available.
#pragma once

#include <span>
#include <string_view>

namespace hone {

enum class Isa {
  kScalar,  // portable C++: the oracle
  kAvx2,    // AVX2 + FMA + F16C
  kAvx512,  // AVX-512 F/BW/DQ/VL + VNNI + BF16
  kAmx,     // AVX-512 and AMX TILE/BF16/INT8: products of matrices in registers of their own
};

const char* isa_name(Isa isa) noexcept;
bool isa_supported(Isa isa) noexcept;
// Best first.
std::span<const Isa> all_isas() noexcept;
// 256-bit VNNI in the VEX encoding: products of int8 that machines with AVX2 and without AVX-512 may have.
bool has_avx_vnni() noexcept;
// AVX512-FP16: products and sums in f16.
bool has_avx512_fp16() noexcept;

// In what products of numbers that are not quantized are taken, unless all of f32 is asked for.
enum class FloatProducts { kF32, kBf16, kF16, kI16 };
const char* products_name(FloatProducts products) noexcept;
// The fastest on this processor with the active instruction set: AMD's cores do twice as many a cycle in bf16
// as in f32, Intel's without AMX half as many, but twice as many in f16 (Emerald Rapids: 318 GFLOP/s in f32,
// 160 in bf16, 630 in f16), and with AMX sixteen times as many in bf16. With AVX2 sums of products in 16-bit
// fixed point are 1.6 times as fast as in f32 (kernels/i16.h). The environment variable HONE_PRODUCTS (f32,
// bf16, f16, i16) overrides and is an error when not available; scalar f16 and i16 are for tests. Throws as
// active_isa.
FloatProducts fast_products();
// The best supported, or HONE_ISA. Throws kInvalidArgument (unknown name), kNotSupported (not on this
// machine).
Isa active_isa();

}  // namespace hone
