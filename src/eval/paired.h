// Two models on the same items: which answers changed, and whether that can be chance.
#pragma once

#include <string>
#include <vector>

#include "eval/task_run.h"

namespace hone {

// Two-sided exact test that a change is as likely one way as the other (McNemar 1947, by the binomial
// distribution of b + c fair coins). 1 when nothing changed.
double mcnemar_exact(size_t b, size_t c);

struct Flips {
  size_t both_right = 0, both_wrong = 0;
  size_t to_wrong = 0;  // right in the reference, wrong in the candidate
  size_t to_right = 0;
  double p = 1;               // mcnemar_exact(to_wrong, to_right)
  Estimate difference;        // of the first metric, candidate - reference, paired over items
  std::vector<size_t> items;  // indices of the flipped ones
};
Flips compare_items(const TaskResult& reference, const TaskResult& candidate, uint64_t seed);

}  // namespace hone
