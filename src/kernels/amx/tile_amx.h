// Entries of the table over AMX, for amx_kernels().
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone::amx {

constexpr size_t kTileM = 32, kTileN = 32;  // rows that a call takes at most, columns of a panel

// TileBf16 and OuterBf16 (kernels/kernels.h).
void tile_bf16(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b,
               float* c, size_t ldc, float alpha, bool accumulate) noexcept;
void outer_bf16(size_t m, size_t n, size_t k, const uint32_t* a, size_t lda, const uint16_t* w, size_t stride,
                float* c, size_t ldc, float alpha, bool accumulate) noexcept;

}  // namespace hone::amx
