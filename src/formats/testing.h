// What the tests of this room share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "formats/format.h"

namespace hone {

inline std::vector<float> normal_values(size_t n, double scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(rng.normal() * scale);
  return x;
}

inline std::vector<std::byte> encode(const Format& format, const std::vector<float>& x) {
  std::vector<std::byte> bytes(format.bytes(x.size()));
  format.from_float(x.data(), bytes.data(), x.size());
  return bytes;
}

inline std::vector<float> decode(const Format& format, const std::vector<std::byte>& bytes) {
  std::vector<float> x(bytes.size() / format.block_bytes * format.block_elems);
  format.to_float(bytes.data(), x.data(), x.size());
  return x;
}

}  // namespace hone
