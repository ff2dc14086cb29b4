#include "eval/paired.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hone {

double mcnemar_exact(size_t b, size_t c) {
  const size_t n = b + c, fewer = std::min(b, c);
  if (n == 0) return 1;
  const auto real = [](size_t x) { return static_cast<double>(x); };
  double tail = 0;
  for (size_t k = 0; k <= fewer; ++k)
    tail += std::exp(std::lgamma(real(n) + 1) - std::lgamma(real(k) + 1) - std::lgamma(real(n - k) + 1) -
                     real(n) * std::log(2.0));
  return std::min(1.0, 2 * tail);
}

Flips compare_items(const TaskResult& reference, const TaskResult& candidate, uint64_t seed) {
  HONE_CHECK(reference.items.size() == candidate.items.size(), "reference={} candidate={}",
             reference.items.size(), candidate.items.size());
  Flips flips;
  for (size_t i = 0; i < reference.items.size(); ++i) {
    const bool was = reference.items[i].correct, is = candidate.items[i].correct;
    if (was == is) {
      ++(is ? flips.both_right : flips.both_wrong);
      continue;
    }
    ++(is ? flips.to_right : flips.to_wrong);
    flips.items.push_back(i);
  }
  flips.p = mcnemar_exact(flips.to_wrong, flips.to_right);
  const std::vector<double>& before = reference.metrics[0].values;
  std::vector<double> differences = candidate.metrics[0].values;
  for (size_t i = 0; i < differences.size(); ++i) differences[i] -= before[i];
  flips.difference = mean_of_items(differences, seed);
  return flips;
}

}  // namespace hone
