// For tests only: AMX's registers in memory. What the processor would refuse ends the program.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/half.h"

namespace hone::emulated {

struct TileRegisters {
  size_t rows[8] = {}, bytes[8] = {};
  unsigned char data[8][16][64] = {};
};
inline thread_local TileRegisters tiles;

static inline void tile_check(bool fits) {
  if (!fits) std::abort();
}

static inline void tile_config(const void* shapes) {
  unsigned char raw[64];
  std::memcpy(raw, shapes, sizeof raw);
  tile_check(raw[0] == 1 && raw[1] == 0);
  tiles = {};
  for (size_t t = 0; t < 8; ++t) {
    tiles.bytes[t] = raw[16 + 2 * t] + 256u * raw[17 + 2 * t];
    tiles.rows[t] = raw[48 + t];
    tile_check(tiles.bytes[t] <= 64 && tiles.rows[t] <= 16);
  }
}

static inline void tile_zero(size_t t) {
  tile_check(tiles.rows[t] > 0);
  std::memset(tiles.data[t], 0, sizeof tiles.data[t]);
}

static inline void tile_load(size_t t, const void* from, size_t stride) {
  tile_zero(t);
  for (size_t r = 0; r < tiles.rows[t]; ++r)
    std::memcpy(tiles.data[t][r], static_cast<const unsigned char*>(from) + r * stride, tiles.bytes[t]);
}

static inline void tile_store(size_t t, void* to, size_t stride) {
  tile_check(tiles.rows[t] > 0);
  for (size_t r = 0; r < tiles.rows[t]; ++r)
    std::memcpy(static_cast<unsigned char*>(to) + r * stride, tiles.data[t][r], tiles.bytes[t]);
}

static inline float tile_half(size_t t, size_t row, size_t i) {
  uint16_t half;
  std::memcpy(&half, tiles.data[t][row] + 2 * i, sizeof half);
  return bf16_to_f32(half);
}

// sum += a b, b's rows holding two k of each column side by side.
static inline void tile_products(size_t sum, size_t a, size_t b) {
  tile_check(sum != a && sum != b && a != b && tiles.rows[sum] > 0 && tiles.rows[sum] == tiles.rows[a] &&
             tiles.bytes[sum] == tiles.bytes[b] && tiles.bytes[a] == 4 * tiles.rows[b]);
  for (size_t m = 0; m < tiles.rows[sum]; ++m)
    for (size_t n = 0; n < tiles.bytes[sum] / 4; ++n) {
      float total;
      std::memcpy(&total, tiles.data[sum][m] + 4 * n, sizeof total);
      for (size_t p = 0; p < tiles.rows[b]; ++p)
        for (size_t i = 0; i < 2; ++i) total += tile_half(a, m, 2 * p + i) * tile_half(b, p, 2 * n + i);
      std::memcpy(tiles.data[sum][m] + 4 * n, &total, sizeof total);
    }
}

}  // namespace hone::emulated

// Some of them are macros of the compiler's.
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(shapes) hone::emulated::tile_config(shapes)
#define _tile_zero(tile) hone::emulated::tile_zero(tile)
#define _tile_loadd(tile, from, stride) hone::emulated::tile_load(tile, from, stride)
#define _tile_stored(tile, to, stride) hone::emulated::tile_store(tile, to, stride)
#define _tile_dpbf16ps(sum, a, b) hone::emulated::tile_products(sum, a, b)
