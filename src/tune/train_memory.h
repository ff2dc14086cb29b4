// Whether training fits, decided before it starts; and whether activations are kept or recomputed.
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
  uint64_t available = 0;    // beyond what is resident
  bool checkpointing = false;
  uint64_t needed() const noexcept { return adapter + optimizer + activations + working; }
};

// Chooses checkpointing (kAuto: when the activations would take more than a third of what is available).
// Throws kResourceExhausted with the amounts when the run does not fit.
TrainMemory plan_memory(const Model& model, uint64_t n_trainable, size_t micro_batch_tokens,
                        Checkpointing wish, uint64_t available);

}  // namespace hone
