#include "eval/softmax.h"

#include <algorithm>
#include <cmath>

#include "ops/rows.h"

namespace hone {

Softmax softmax(std::span<const float> logits, std::span<float> weights) {
  Softmax out;
  const float max = row_max(logits);
  out.top = static_cast<size_t>(std::find(logits.begin(), logits.end(), max) - logits.begin());
  out.log_z = static_cast<double>(max) + std::log(row_exp(logits, max, weights));
  return out;
}

}  // namespace hone
