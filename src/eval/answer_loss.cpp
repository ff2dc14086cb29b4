// Mean loss of the assistant's tokens in held-out chats.
#include "eval/evaluate.h"
#include "eval/evaluator_list.h"

namespace hone {

constinit const Evaluator kEvaluatorAnswerLoss{
    .name = "answer_loss",
    .title = "answer loss",
    .unit = "nats/token",
    .summary = "mean -log p of the answers' tokens in held-out chats",
    .higher_is_better = false,
    .needs_reference = false,
};

std::vector<ScoreItem> chat_items(const Dataset& dataset) {
  std::vector<ScoreItem> items;
  items.reserve(dataset.samples.size());
  for (size_t i = 0; i < dataset.samples.size(); ++i) {
    PackedBatch batch = single_batch(dataset.samples[i]);
    items.push_back({std::move(batch.batch), std::move(batch.targets), i});
  }
  return items;
}

}  // namespace hone
