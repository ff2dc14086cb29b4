// The evaluators' descriptors, for evaluator_list.cpp only.
#pragma once

#include "eval/evaluator.h"

namespace hone {

extern const Evaluator kEvaluatorPerplexity;
extern const Evaluator kEvaluatorBitsPerByte;
extern const Evaluator kEvaluatorAnswerLoss;
extern const Evaluator kEvaluatorKl;
extern const Evaluator kEvaluatorTop1Agreement;
extern const Evaluator kEvaluatorJs;
extern const Evaluator kEvaluatorTop5Agreement;
extern const Evaluator kEvaluatorDeltaP;

}  // namespace hone
