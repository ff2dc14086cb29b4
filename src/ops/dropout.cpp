#include "ops/dropout.h"

#include "ops/parallel.h"

namespace hone {
namespace {

uint64_t mix(uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t dropout_key(std::string_view name, uint64_t seed, uint64_t counter) noexcept {
  uint64_t h = mix(seed);
  for (const char c : name) h = mix(h ^ static_cast<unsigned char>(c));
  return mix(h ^ mix(counter));
}

void apply_dropout(const Dropout& dropout, const Tensor& x, Tensor& out) {
  const float scale = static_cast<float>(1.0 / (1.0 - dropout.rate));
  const uint64_t threshold = static_cast<uint64_t>(dropout.rate * 0x1p32);
  parallel_rows(x.rows(), x.cols(), [&](size_t begin, size_t end) {
    for (size_t i = begin * x.cols(); i < end * x.cols(); ++i)
      out.data()[i] = (mix(dropout.key + i) >> 32) >= threshold ? x.data()[i] * scale : 0.0f;
  });
}

}  // namespace hone
