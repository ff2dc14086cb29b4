#include "kernels/amx/registers.h"

#include <algorithm>
#include <cstdint>

#include "base/thread_runs.h"
#include "kernels/amx/intrinsics.h"

namespace hone::amx {
namespace {

// What LDTILECFG reads: for every register the bytes of its rows, and how many they are.
struct alignas(64) Shapes {
  uint8_t palette = 1, start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void set(int reg, size_t n_rows, size_t elems) noexcept {
    rows[reg] = static_cast<uint8_t>(n_rows);
    row_bytes[reg] = static_cast<uint16_t>(sizeof(uint32_t) * elems);
  }
};

Shapes shapes_of(size_t mr, size_t nr, size_t pairs) noexcept {
  Shapes shapes;
  for (int half = 0; half < 2; ++half) {
    const size_t before = half == 0 ? 0 : kRows;
    const size_t m = std::clamp<size_t>(mr - std::min(mr, before), 1, kRows);
    const size_t n = std::clamp<size_t>(nr - std::min(nr, before), 1, kElems);
    shapes.set(4 + half, m, pairs);
    shapes.set(6 + half, pairs, n);
    for (int other = 0; other < 2; ++other) {
      shapes.rows[2 * half + other] = static_cast<uint8_t>(m);
      shapes.row_bytes[2 * other + half] = static_cast<uint16_t>(sizeof(float) * n);
    }
  }
  return shapes;
}

}  // namespace

void want_shapes(size_t mr, size_t nr, size_t pairs) noexcept {
  static thread_local size_t loaded = 0;
  static thread_local uint64_t in_run = 0;
  const size_t wanted = mr << 16 | nr << 8 | pairs;
  const uint64_t run = thread_runs_begun();
  if (wanted == loaded && run == in_run) return;
  const Shapes shapes = shapes_of(mr, nr, pairs);
  written(&shapes);
  _tile_loadconfig(&shapes);
  loaded = wanted;
  in_run = run;
}

}  // namespace hone::amx
