#include "tune/train_memory.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"

namespace hone {
namespace {

// Logits of this many rows are held at a time by the cross-entropy: an upper estimate.
constexpr uint64_t kLogitRows = 128;

}  // namespace

TrainMemory plan_memory(const Model& model, uint64_t n_trainable, size_t micro_batch_tokens,
                        Checkpointing wish, uint64_t available) {
  const ModelConfig& config = model.config();
  const uint64_t kept = model.activation_bytes_per_token(false) * uint64_t{micro_batch_tokens};
  const uint64_t recomputed = model.activation_bytes_per_token(true) * uint64_t{micro_batch_tokens};
  TrainMemory memory;
  memory.weights = model.weight_bytes();
  memory.adapter = n_trainable * 4 * 3;
  memory.optimizer = n_trainable * 4 * 2;
  memory.working =
      4 * (kLogitRows * config.n_vocab + uint64_t{micro_batch_tokens} * (config.n_embd + config.n_ff) * 2);
  memory.available = available;
  memory.checkpointing = wish == Checkpointing::kOn || (wish == Checkpointing::kAuto && kept > available / 3);
  memory.activations = memory.checkpointing ? std::min(kept, recomputed) : kept;
  if (memory.needed() <= available) return memory;
  fail(ErrorCode::kResourceExhausted,
       "tune: memory: needs {} beside the weights' {} (activations of {} tokens {}, adapter {}, optimizer "
       "{}, working "
       "{}), expected at most the {} available; {}",
       format_bytes(memory.needed()), format_bytes(memory.weights), micro_batch_tokens,
       format_bytes(memory.activations), format_bytes(memory.adapter), format_bytes(memory.optimizer),
       format_bytes(memory.working), format_bytes(available),
       memory.checkpointing ? "lower --batch or --max-length"
                            : "turn checkpointing on, or lower --batch or --max-length");
}

}  // namespace hone
