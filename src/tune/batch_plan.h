// The order in which a run sees its data: a pure function of dataset, settings and seed, so that a run
// stopped at step n continues with exactly the batches it would have had.
#pragma once

#include <vector>

#include "data/dataset.h"
#include "tune/train_config.h"

namespace hone {

class BatchPlan {
 public:
  // The dataset must outlive the plan. Throws kInvalidArgument when it is empty or a sample is longer than a
  // row.
  BatchPlan(const Dataset& dataset, const TrainConfig& config);

  size_t total_steps() const noexcept { return total_steps_; }
  uint64_t total_tokens() const noexcept { return total_tokens_; }
  size_t max_micro_batch_tokens() const noexcept { return max_micro_batch_tokens_; }
  // The micro-batches of a step, none empty.
  std::vector<PackedBatch> step(size_t step);

 private:
  void load_epoch(size_t epoch);
  void measure();

  const Dataset& dataset_;
  TrainConfig config_;
  size_t loaded_epoch_ = SIZE_MAX;
  std::vector<PackedBatch> rows_;         // of the loaded epoch, in training order
  std::vector<size_t> epoch_begin_step_;  // first step of each epoch
  size_t total_steps_ = 0, max_micro_batch_tokens_ = 0;
  uint64_t total_tokens_ = 0;
};

// A dataset's rows without shuffling, for validation: packed, or one sample each.
std::vector<PackedBatch> plain_rows(const Dataset& dataset, size_t capacity, bool packing);
// Rows laid one after another; their sequences stay apart.
PackedBatch concatenate(std::span<const PackedBatch> rows);

}  // namespace hone
