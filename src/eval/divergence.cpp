// Evaluators that compare a model with a reference, token by token; the numbers come from score.cpp.
#include "eval/evaluator_list.h"

namespace hone {

constinit const Evaluator kEvaluatorKl{
    .name = "kl",
    .title = "KL",
    .unit = "nats/token",
    .summary = "KL divergence of the next-token distribution from the reference's",
    .higher_is_better = false,
    .needs_reference = true,
};

constinit const Evaluator kEvaluatorTop1Agreement{
    .name = "top1_agreement",
    .title = "top-1 agreement",
    .unit = "",
    .summary = "share of positions where the most likely token is the reference's",
    .higher_is_better = true,
    .needs_reference = true,
};

}  // namespace hone
