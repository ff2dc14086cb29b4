// Products in f32, bf16, f16 or 16-bit fixed point over unpacked panels of W: prefill of float weights, and
// everything that trains.
#pragma once

#include "ops/gemm.h"
#include "ops/panel_pack.h"

namespace hone {

// Every target's sum, in f32 or, unless options.compute is precise, in fast_products().
// take: gemm_nt_taken's.
void gemm_panels(WeightLayout layout, std::span<const GemmTarget> targets, const GemmOptions& options,
                 const TakeSums* take = nullptr);

// The same in int8 (kernels/int8.h), of W in any format; every K is a multiple of 32.
void gemm_int8_panels(WeightLayout layout, std::span<const GemmTarget> targets, const GemmOptions& options);

}  // namespace hone
