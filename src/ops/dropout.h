// Dropout by a mask that is a pure function of a key and the position: a block that is recomputed draws the
// same one. (Srivastava et al. 2014)
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/tensor.h"

namespace hone {

struct Dropout {
  uint64_t key = 0;
  double rate = 0;  // in [0, 1): the share that is dropped; the rest is divided by 1 - rate
};

// A well-mixed key from a name, a seed and a counter.
uint64_t dropout_key(std::string_view name, uint64_t seed, uint64_t counter) noexcept;
// out = mask * x / (1 - rate); out may be x.
void apply_dropout(const Dropout& dropout, const Tensor& x, Tensor& out);

}  // namespace hone
