#include "eval/evaluator_list.h"

#include <array>

namespace hone {
namespace {

constexpr std::array<const Evaluator*, 8> kEvaluators{
    &kEvaluatorPerplexity,    &kEvaluatorBitsPerByte, &kEvaluatorAnswerLoss,    &kEvaluatorKl,
    &kEvaluatorTop1Agreement, &kEvaluatorJs,          &kEvaluatorTop5Agreement, &kEvaluatorDeltaP,
};

}  // namespace

std::span<const Evaluator* const> all_evaluators() noexcept {
  return kEvaluators;
}

const Evaluator* find_evaluator(std::string_view name) noexcept {
  for (const Evaluator* evaluator : kEvaluators)
    if (evaluator->name == name) return evaluator;
  return nullptr;
}

}  // namespace hone
