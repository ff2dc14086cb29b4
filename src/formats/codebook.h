// What the 4-bit codes of the formats without equal steps stand for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone::codec {

// Of iq4_nl and iq4_xs.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};
// Of mxfp4 and nvfp4: twice those of OCP's e2m1.
inline constexpr int8_t kFp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// kElems codes, low nibbles first: x = scale * value.
template <size_t kElems>
void decode_nibbles(float scale, const int8_t (&values)[16], const uint8_t* qs, float* x) noexcept {
  for (size_t i = 0; i < kElems / 2; ++i) {
    x[i] = scale * static_cast<float>(values[qs[i] & 15]);
    x[i + kElems / 2] = scale * static_cast<float>(values[qs[i] >> 4]);
  }
}

}  // namespace hone::codec
