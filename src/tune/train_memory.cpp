#include "tune/train_memory.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "ops/cross_entropy.h"

namespace hone {
namespace {

// Part of the activations for what is not counted one by one: packed panels, freed buffers of other sizes.
constexpr uint64_t kMarginDivisor = 16;

uint64_t activations(const Model& model, size_t recomputed_blocks, uint64_t tokens, ComputeMode compute) {
  const uint64_t bytes = model.activation_bytes_per_token(recomputed_blocks, compute) * tokens;
  return bytes + bytes / kMarginDivisor;
}

size_t choose_blocks(const Model& model, uint64_t tokens, Checkpointing wish, uint64_t room,
                     ComputeMode compute) {
  const size_t all = model.config().n_layers;
  if (wish == Checkpointing::kOff) return 0;
  if (wish == Checkpointing::kOn) return all;
  size_t n = 0;
  while (n < all && activations(model, n, tokens, compute) > room) ++n;
  return n;
}

}  // namespace

TrainMemory plan_memory(const Model& model, uint64_t n_trainable, size_t micro_batch_tokens,
                        Checkpointing wish, uint64_t available, ComputeMode compute) {
  const ModelConfig& config = model.config();
  TrainMemory memory;
  memory.weights = model.weight_bytes();
  memory.adapter = n_trainable * 4 * 3;
  memory.optimizer = n_trainable * 4 * 2;
  memory.working = cross_entropy_bytes(micro_batch_tokens, config.n_embd, config.n_vocab, compute) +
                   4 * uint64_t{micro_batch_tokens} * config.n_embd * 2;
  memory.available = available;
  const uint64_t others = memory.needed();
  memory.recomputed_blocks =
      choose_blocks(model, micro_batch_tokens, wish, available - std::min(available, others), compute);
  memory.activations = activations(model, memory.recomputed_blocks, micro_batch_tokens, compute);
  if (memory.needed() <= available) return memory;
  fail(ErrorCode::kResourceExhausted,
       "tune: memory: needs {} beside the weights' {} (activations of {} tokens {}, adapter {}, optimizer "
       "{}, working "
       "{}), expected at most the {} available; {}",
       format_bytes(memory.needed()), format_bytes(memory.weights), micro_batch_tokens,
       format_bytes(memory.activations), format_bytes(memory.adapter), format_bytes(memory.optimizer),
       format_bytes(memory.working), format_bytes(available),
       wish == Checkpointing::kOff ? "turn checkpointing on, or lower --batch or --max-length"
                                   : "lower --batch or --max-length");
}

uint64_t memory_budget(uint64_t limit, uint64_t n_trainable) {
  const uint64_t available = available_memory_bytes(), there = n_trainable * 4 * 3;
  if (limit == 0) return available - available / 10 + there;
  const uint64_t resident = resident_bytes();
  return std::min(available, limit - std::min(limit, resident)) + there;
}

}  // namespace hone
