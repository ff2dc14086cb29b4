// Products in bf16 over AMX: a tile register holds 16 rows of 64 bytes, and one instruction adds the products
// of two of them, 16 x 32 by 32 x 16, to a third. Four sums (32 x 32) use every loaded tile twice.
#include "kernels/amx/tile_amx.h"

#include <algorithm>
#include <cstring>

#include "kernels/amx/intrinsics.h"
#include "kernels/amx/registers.h"

namespace hone::amx {
namespace {

// The registers: four sums, A's rows above and below, B's columns left and right. GCC's intrinsics want their
// names spelled.
#define HONE_SUM00 0
#define HONE_SUM01 1
#define HONE_SUM10 2
#define HONE_SUM11 3
#define HONE_ROWS0 4
#define HONE_ROWS1 5
#define HONE_COLS0 6
#define HONE_COLS1 7

struct Tile {
  size_t mr, nr, k_pairs;
  const uint32_t* a;
  size_t lda;
  const uint32_t* b;
  float* c;
  size_t ldc;
  float alpha;
  bool accumulate;
};

template <bool kTwoRows, bool kTwoCols>
struct Block {
  // One step along K. lda in elements; rows of b are a panel apart.
  static void add_products(const uint32_t* a, size_t lda, const uint32_t* b) noexcept {
    const size_t a_stride = lda * sizeof(uint32_t), b_stride = kTileN * sizeof(uint32_t);
    _tile_loadd(HONE_COLS0, b, b_stride);
    _tile_loadd(HONE_ROWS0, a, a_stride);
    if constexpr (kTwoCols) _tile_loadd(HONE_COLS1, b + kElems, b_stride);
    if constexpr (kTwoRows) _tile_loadd(HONE_ROWS1, a + kRows * lda, a_stride);
    _tile_dpbf16ps(HONE_SUM00, HONE_ROWS0, HONE_COLS0);
    if constexpr (kTwoCols) _tile_dpbf16ps(HONE_SUM01, HONE_ROWS0, HONE_COLS1);
    if constexpr (kTwoRows) _tile_dpbf16ps(HONE_SUM10, HONE_ROWS1, HONE_COLS0);
    if constexpr (kTwoRows && kTwoCols) _tile_dpbf16ps(HONE_SUM11, HONE_ROWS1, HONE_COLS1);
  }

  static void begin(const float* c, size_t ldc, bool accumulate) noexcept {
    const size_t stride = ldc * sizeof(float);
    if (!accumulate) {
      _tile_zero(HONE_SUM00);
      if constexpr (kTwoCols) _tile_zero(HONE_SUM01);
      if constexpr (kTwoRows) _tile_zero(HONE_SUM10);
      if constexpr (kTwoRows && kTwoCols) _tile_zero(HONE_SUM11);
      return;
    }
    _tile_loadd(HONE_SUM00, c, stride);
    if constexpr (kTwoCols) _tile_loadd(HONE_SUM01, c + kElems, stride);
    if constexpr (kTwoRows) _tile_loadd(HONE_SUM10, c + kRows * ldc, stride);
    if constexpr (kTwoRows && kTwoCols) _tile_loadd(HONE_SUM11, c + kRows * ldc + kElems, stride);
  }

  static void store(float* c, size_t ldc) noexcept {
    const size_t stride = ldc * sizeof(float);
    _tile_stored(HONE_SUM00, c, stride);
    if constexpr (kTwoCols) _tile_stored(HONE_SUM01, c + kElems, stride);
    if constexpr (kTwoRows) _tile_stored(HONE_SUM10, c + kRows * ldc, stride);
    if constexpr (kTwoRows && kTwoCols) _tile_stored(HONE_SUM11, c + kRows * ldc + kElems, stride);
  }

  // The last pairs of K, fewer than a register is deep, beside zeros.
  static void add_last(const Tile& t, size_t first) noexcept {
    alignas(64) uint32_t a[2 * kRows][kElems] = {}, b[kElems][kTileN] = {};
    const size_t pairs = t.k_pairs - first;
    for (size_t m = 0; m < t.mr; ++m) std::memcpy(a[m], t.a + m * t.lda + first, pairs * sizeof(uint32_t));
    std::memcpy(b, t.b + first * kTileN, pairs * sizeof b[0]);
    written(a);
    written(b);
    add_products(a[0], kElems, b[0]);
  }

  static void scale_into(const Tile& t) noexcept {
    alignas(64) float sums[2 * kRows][kTileN];
    store(sums[0], kTileN);
    written(sums);
    const __m512 alpha = _mm512_set1_ps(t.alpha);
    for (size_t m = 0; m < t.mr; ++m)
      for (size_t n = 0; n < t.nr; n += kElems) {
        const auto mask = static_cast<__mmask16>(t.nr - n >= kElems ? 0xffffu : (1u << (t.nr - n)) - 1u);
        float* c = t.c + m * t.ldc + n;
        const __m512 y = _mm512_mul_ps(alpha, _mm512_load_ps(sums[m] + n));
        _mm512_mask_storeu_ps(c, mask, t.accumulate ? _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, c)) : y);
      }
  }

  static void run(const Tile& t) noexcept {
    const bool scaled = t.alpha != 1.0f;
    begin(t.c, t.ldc, t.accumulate && !scaled);
    if (t.k_pairs < kElems) {
      add_products(t.a, t.lda, t.b);
    } else {
      size_t p = 0;
      for (; p + kElems <= t.k_pairs; p += kElems) add_products(t.a + p, t.lda, t.b + p * kTileN);
      if (p < t.k_pairs) add_last(t, p);
    }
    if (scaled)
      scale_into(t);
    else
      store(t.c, t.ldc);
  }
};

void multiply(const Tile& t) noexcept {
  const bool rows = t.mr > kRows, cols = t.nr > kElems;
  if (rows)
    cols ? Block<true, true>::run(t) : Block<true, false>::run(t);
  else
    cols ? Block<false, true>::run(t) : Block<false, false>::run(t);
}

}  // namespace

void tile_bf16(size_t mr, size_t nr, size_t k_pairs, const uint32_t* a, size_t lda, const uint32_t* b,
               float* c, size_t ldc, float alpha, bool accumulate) noexcept {
  written(a);
  want_shapes(mr, nr, std::min(k_pairs, kElems));
  multiply({mr, nr, k_pairs, a, lda, b, c, ldc, alpha, accumulate});
}

}  // namespace hone::amx
