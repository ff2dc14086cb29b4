// Whether tuning taught the data or the examples: loss on the training data beside loss on held-out data of
// the same kind, for a tuned model and its base; and answers that the model can say by heart (Carlini et al.
// 2021 and 2023: extraction with a prefix).
#pragma once

#include <optional>

#include "eval/token_sums.h"

namespace hone {

struct LossGap {
  Estimate train, held_out;  // nats per token
  Estimate gap;              // held_out - train
};

struct Memorised {
  size_t n_answers = 0;       // long enough: prefix + length tokens
  Estimate verbatim;          // share of answers whose next `length` tokens greedy choice writes as they are
  Estimate matched;           // share of those tokens up to the first that differs
  std::vector<size_t> items;  // of the verbatim ones
};

struct MemorisedOptions {
  size_t prefix = 16;  // tokens of the answer that are given
  size_t length = 32;  // tokens behind them that are compared
};

// Greedy choice is followed as long as it writes the answer, so the tokens' scores, each made behind the true
// text, say where it leaves it: nothing is generated. `reference`: of the reference instead of the model.
Memorised memorised(const TokenScores& scores, bool reference, const MemorisedOptions& options = {},
                    uint64_t seed = 42);

struct OverfitSide {
  LossGap loss;
  Memorised train, held_out;
};
struct Overfit {
  OverfitSide model;
  std::optional<OverfitSide> base;   // the reference, when the scores are compared with one
  std::optional<Estimate> widening;  // the model's gap - base's, paired: what training added to it
};
Overfit overfit(const TokenScores& train, const TokenScores& held_out, const MemorisedOptions& options = {},
                uint64_t seed = 42);

}  // namespace hone
