// The evaluators' descriptors, for evaluator_list.cpp only.
#pragma once

#include "eval/evaluator.h"

namespace hone {

extern const Evaluator kEvaluatorPerplexity;
extern const Evaluator kEvaluatorAnswerLoss;
extern const Evaluator kEvaluatorKl;
extern const Evaluator kEvaluatorTop1Agreement;

}  // namespace hone
