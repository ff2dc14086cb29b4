#include "tune/batch_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/rng.h"

namespace hone {
namespace {

std::vector<PackedBatch> rows_in_order(const Dataset& dataset, std::span<const size_t> order, size_t capacity,
                                       bool packing) {
  if (packing) return pack(dataset.samples, order, capacity);
  std::vector<PackedBatch> rows;
  rows.reserve(order.size());
  for (const size_t i : order) {
    rows.push_back(single_batch(dataset.samples[i]));
    rows.back().samples = {i};
  }
  return rows;
}

std::vector<size_t> file_order(const Dataset& dataset) {
  std::vector<size_t> order(dataset.samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

void check_samples(const Dataset& dataset, size_t capacity) {
  if (dataset.samples.empty())
    fail(ErrorCode::kInvalidArgument, "{}: has no samples, expected at least one", dataset.path.string());
  for (const Sample& sample : dataset.samples) {
    if (sample.tokens.empty())
      fail(ErrorCode::kInvalidArgument, "{}:{}: sample has no tokens", dataset.path.string(), sample.line);
    if (sample.tokens.size() > capacity)
      fail(ErrorCode::kInvalidArgument,
           "{}:{}: sample has {} tokens, expected at most {}; raise --max-length", dataset.path.string(),
           sample.line, sample.tokens.size(), capacity);
  }
}

}  // namespace

BatchPlan::BatchPlan(const Dataset& dataset, const TrainConfig& config) : dataset_(dataset), config_(config) {
  check_samples(dataset, config.max_length);
  measure();
}

void BatchPlan::load_epoch(size_t epoch) {
  if (loaded_epoch_ == epoch) return;
  std::vector<size_t> order = file_order(dataset_);
  Rng rng(config_.seed + 0x9e3779b97f4a7c15ull * (epoch + 1));
  if (config_.shuffle) rng.shuffle(order);
  rows_ = rows_in_order(dataset_, order, config_.max_length, config_.packing);
  loaded_epoch_ = epoch;
}

// Walks the whole run once, counting, to know its length before it starts.
void BatchPlan::measure() {
  const double epochs =
      config_.steps == 0 && config_.tokens == 0 && config_.epochs == 0 ? 1.0 : config_.epochs;
  const size_t rows_per_step = config_.batch * config_.accumulate;
  size_t last_step = SIZE_MAX;
  if (config_.steps != 0) last_step = config_.steps;
  for (size_t epoch = 0;; ++epoch) {
    throw_if_interrupted("tune");
    load_epoch(epoch);
    if (rows_.empty())
      fail(ErrorCode::kInvalidArgument, "{}: gives no rows of up to {} tokens", dataset_.path.string(),
           config_.max_length);
    epoch_begin_step_.push_back(total_steps_);
    const size_t steps_here = (rows_.size() + rows_per_step - 1) / rows_per_step;
    if (epoch == 0 && epochs > 0)
      last_step =
          std::max<size_t>(1, static_cast<size_t>(std::llround(epochs * static_cast<double>(steps_here))));
    for (size_t row = 0; row < rows_.size();) {
      const size_t end = std::min(rows_.size(), row + rows_per_step);
      while (row < end) {
        size_t micro_tokens = 0;
        for (const size_t stop = std::min(end, row + config_.batch); row < stop; ++row)
          micro_tokens += rows_[row].batch.tokens.size();
        max_micro_batch_tokens_ = std::max(max_micro_batch_tokens_, micro_tokens);
        total_tokens_ += micro_tokens;
      }
      ++total_steps_;
      if (total_steps_ >= last_step || (config_.tokens != 0 && total_tokens_ >= config_.tokens)) return;
    }
  }
}

std::vector<PackedBatch> BatchPlan::step(size_t step) {
  HONE_CHECK(step < total_steps_, "step {} of {}", step, total_steps_);
  const auto after = std::upper_bound(epoch_begin_step_.begin(), epoch_begin_step_.end(), step);
  const size_t epoch = static_cast<size_t>(after - epoch_begin_step_.begin()) - 1;
  load_epoch(epoch);
  const size_t rows_per_step = config_.batch * config_.accumulate;
  size_t row = (step - epoch_begin_step_[epoch]) * rows_per_step;
  const size_t end = std::min(rows_.size(), row + rows_per_step);
  std::vector<PackedBatch> micro_batches;
  for (; row < end; row += config_.batch)
    micro_batches.push_back(concatenate(std::span(rows_).subspan(row, std::min(config_.batch, end - row))));
  return micro_batches;
}

std::vector<PackedBatch> plain_rows(const Dataset& dataset, size_t capacity, bool packing) {
  check_samples(dataset, capacity);
  return rows_in_order(dataset, file_order(dataset), capacity, packing);
}

PackedBatch concatenate(std::span<const PackedBatch> rows) {
  PackedBatch all;
  for (const PackedBatch& row : rows) {
    const size_t offset = all.batch.tokens.size();
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(all.batch.tokens, row.batch.tokens);
    append(all.batch.positions, row.batch.positions);
    append(all.targets, row.targets);
    append(all.samples, row.samples);
    for (const Sequence& sequence : row.batch.sequences)
      all.batch.sequences.push_back({.begin = sequence.begin + offset, .length = sequence.length});
    all.n_targets += row.n_targets;
  }
  return all;
}

}  // namespace hone
