// One row of logits as a distribution.
#pragma once

#include <cstddef>
#include <span>

namespace hone {

struct Softmax {
  size_t top = 0;    // the first of the largest
  double log_z = 0;  // log p(v) = logits[v] - log_z
};

// exp(logits - max) goes to `weights`, as long as the row.
Softmax softmax(std::span<const float> logits, std::span<float> weights);

}  // namespace hone
