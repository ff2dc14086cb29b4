#include "tune/objectives/sft.h"

namespace hone {
namespace {

double run(const Model& model, OpContext& ctx, const PackedBatch& batch, float grad_scale) {
  const CrossEntropyResult result = model.loss(ctx, batch.batch, batch.targets, grad_scale);
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
