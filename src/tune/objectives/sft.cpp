#include "tune/objectives/sft.h"

namespace hone {
namespace {

double run(const Model& model, OpContext& ctx, const PackedBatch& batch, float grad_scale) {
  const Tensor hidden = model.hidden(ctx, batch.batch);
  const CrossEntropyResult result =
      linear_cross_entropy(ctx, hidden, model.head(), batch.targets, grad_scale);
  if (ctx.tape != nullptr) ctx.tape->backward();
  return result.sum_nll;
}

}  // namespace

const Objective kSftObjective = {
    .name = "sft",
    .summary = "next-token loss on the assistant's words",
    .run = run,
};

}  // namespace hone
