// The grids of the iq formats: a code names a point of 8 (or 4) coordinates, picked by the formats' authors
// from all that could be. The points are part of the file format; grid.cpp holds them as generate_grids.py
// writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/codec.h"
#include "formats/search.h"

namespace hone::codec {

struct Point8 {
  int8_t at[8];
};
struct Point4 {
  int8_t at[4];
};

std::span<const Point8, 256> grid_iq2_xxs() noexcept;
std::span<const Point8, 512> grid_iq2_xs() noexcept;
std::span<const Point8, 1024> grid_iq2_s() noexcept;
std::span<const Point4, 256> grid_iq3_xxs() noexcept;
std::span<const Point4, 512> grid_iq3_s() noexcept;
std::span<const Point8, 2048> grid_iq1() noexcept;  // of iq1_s and iq1_m

// Signs of 8 values in 7 bits: an even number of them is negative, so bit 7 is the parity of the others.
inline uint8_t eight_signs(uint32_t seven) noexcept {
  const uint32_t bits = seven & 127u;
  return static_cast<uint8_t>(bits | (static_cast<uint32_t>(std::popcount(bits) & 1) << 7));
}

// x[i] = scale * point[i], negative where bit i of signs is set.
template <typename Point>
void decode_point(float scale, const Point& point, uint32_t signs, float* x) noexcept {
  for (size_t i = 0; i < sizeof point.at; ++i) {
    const int sign = 1 - 2 * static_cast<int>((signs >> i) & 1u);
    x[i] = scale * static_cast<float>(point.at[i] * sign);
  }
}

}  // namespace hone::codec
