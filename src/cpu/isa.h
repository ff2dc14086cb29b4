// Which instruction set is active. Chosen once from what the processor and the operating system offer; the
// environment variable HONE_ISA (scalar, avx2, avx512) overrides and is an error when not available.
#pragma once

#include <span>
#include <string_view>

namespace hone {

enum class Isa {
  kScalar,  // portable C++: the oracle
  kAvx2,    // AVX2 + FMA + F16C
  kAvx512,  // AVX-512 F/BW/DQ/VL + VNNI + BF16
};

const char* isa_name(Isa isa) noexcept;
bool isa_supported(Isa isa) noexcept;
// Best first.
std::span<const Isa> all_isas() noexcept;
// 256-bit VNNI in the VEX encoding: products of int8 that machines with AVX2 and without AVX-512 may have.
bool has_avx_vnni() noexcept;
// Whether products in bf16 are faster than in f32 with the active instruction set. AMD's cores do twice as
// many a cycle; Intel's without AMX half as many (Emerald Rapids: 160 GFLOP/s against 318). The environment
// variable HONE_BF16 (0, 1) overrides and is an error when not available. Throws as active_isa.
bool bf16_pays();
// The best supported, or HONE_ISA. Throws kInvalidArgument (unknown name), kNotSupported (not on this
// machine).
Isa active_isa();

}  // namespace hone
