// Items put together for one forward, for score.cpp.
#pragma once

#include <vector>

#include "eval/evaluate.h"

namespace hone {

// Each item attends only to itself.
struct ScoreGroup {
  TokenBatch batch;
  std::vector<size_t> rows;        // of the batch: those with a target
  std::vector<int32_t> targets;    // per row
  std::vector<TokenScore> places;  // per row: item, document, position, target
};

// The group of items [begin, …), at least one; *end is the first that is not in it.
ScoreGroup next_group(const std::vector<ScoreItem>& items, size_t begin, size_t* end);
// Hidden states of the group's rows (rows, C), by the candidate's way of computing.
Tensor hidden_of(const Candidate& candidate, const ScoreGroup& group);

}  // namespace hone
