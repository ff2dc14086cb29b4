// Whether training fits, decided before it starts; and of how many blocks activations are kept.
#pragma once

#include <cstdint>

#include "models/model.h"
#include "tune/train_config.h"

namespace hone {

struct TrainMemory {
  uint64_t weights = 0;      // resident already
  uint64_t adapter = 0;      // values, gradients, the best values so far
  uint64_t optimizer = 0;    // two moments
  uint64_t activations = 0;  // of one micro-batch, as chosen
  uint64_t working = 0;      // buffers of single ops
  uint64_t available = 0;    // beside the weights
  size_t recomputed_blocks = 0;
  uint64_t needed() const noexcept { return adapter + optimizer + activations + working; }
};

// Chooses how many blocks are recomputed: kAuto the fewest that fit into `available`, kOn all, kOff none.
// Throws kResourceExhausted with the amounts when the run does not fit.
TrainMemory plan_memory(const Model& model, uint64_t n_trainable, size_t micro_batch_tokens,
                        Checkpointing wish, uint64_t available, ComputeMode compute = ComputeMode::kFast);

// What a run may take beside the weights: with a limit for the whole process what that and the system leave,
// without one (0) nine tenths of what the system leaves; and what the values and moments of n_trainable
// parameters, which are there already, take.
uint64_t memory_budget(uint64_t limit, uint64_t n_trainable);

}  // namespace hone
