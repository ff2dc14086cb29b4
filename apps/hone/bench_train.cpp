// LoRA rank 16 on all linear layers, AdamW, steps of random tokens.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/interrupt.h"
#include "base/rng.h"
#include "bench_work.h"
#include "ops/cross_entropy.h"
#include "tune/adapter_set.h"
#include "tune/objectives/objective.h"
#include "tune/optimizer.h"
#include "tune/train_memory.h"

namespace hone::cli {
namespace {

class Train final : public TimedWork {
 public:
  Train(LoadedModel& loaded, const BenchSettings& settings)
      : model_(loaded.model()),
        compute_(training_mode(settings.precise)),
        adapters_(AdapterSet::create(model_, AdapterSettings{})),
        optimizer_(adapters_.parameters(), AdamWSettings{}) {
    const size_t length = std::min(settings.train_length, model_.config().context_length);
    const TrainMemory memory =
        plan_memory(model_, adapters_.n_parameters(), length, Checkpointing::kAuto,
                    memory_budget(settings.memory_limit, adapters_.n_parameters()), compute_);
    model_.set_recomputed_blocks(memory.recomputed_blocks);
    if (settings.memory_limit != 0) limit_tensor_memory(memory.available);
    Rng rng(settings.seed);
    for (size_t i = 0; i < settings.train_rows; ++i) rows_.push_back(random_row(length, rng));
    put_adapters(false);
  }
  ~Train() override {
    limit_tensor_memory(0);
    adapters_.detach();
  }

  double round() override {
    put_adapters(true);  // the other works run without them
    if (!warm_) step();
    warm_ = true;
    const double rate = step();
    put_adapters(false);
    return rate;
  }
  std::string note() const override {
    return fmt::format("steps of {} x {} tokens, {} of {} blocks recomputed", rows_.size(),
                       rows_[0].n_targets, model_.recomputed_blocks(), model_.config().n_layers);
  }

 private:
  PackedBatch random_row(size_t length, Rng& rng) const {
    const std::vector<TokenId> tokens = random_tokens(model_, length + 1, rng);
    PackedBatch row;
    row.batch = TokenBatch::single(std::span(tokens).first(length));
    row.targets.assign(tokens.begin() + 1, tokens.end());
    row.n_targets = length;
    return row;
  }

  void put_adapters(bool on) {
    for (const AdapterSet::Entry& entry : adapters_.entries())
      entry.linear->set_adapter(on ? entry.adapter : nullptr);
  }

  double step() {
    const auto start = std::chrono::steady_clock::now();
    size_t tokens = 0;
    for (const PackedBatch& row : rows_) tokens += row.n_targets;
    for (const PackedBatch& row : rows_) {
      throw_if_interrupted("bench");
      Tape tape;
      OpContext ctx{.tape = &tape, .compute = compute_, .observer = nullptr};
      objective_.run(model_, ctx, row, static_cast<float>(1.0 / static_cast<double>(tokens)));
    }
    clip_gradients(adapters_.parameters(), 1.0);
    optimizer_.step(1e-4);
    return static_cast<double>(tokens) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  Model& model_;
  ComputeMode compute_;
  AdapterSet adapters_;
  AdamW optimizer_;
  std::vector<PackedBatch> rows_;
  const Objective& objective_ = objective_named("sft");
  bool warm_ = false;
};

}  // namespace

const BenchWork kTrainWork = {
    .name = "train",
    .summary = "LoRA training, rank 16 on all linear layers, steps of --train-rows x --train-length tokens",
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<Train>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings& settings) {
          const ModelCost cost(model);
          // Forward, and backward to the activations only; the weights are read for both. Of the vocabulary
          // backward takes but a few rows where it samples.
          const bool samples = samples_gradients(training_mode(settings.precise), model.head().cols);
          return WorkCost{
              .weight_operations = 2 * cost.block_weights,
              .frozen_operations = 2 * cost.block_weights + (samples ? 2 : 4) * cost.head_weights,
              .bytes = 2 * (cost.block_bytes + cost.head_bytes) / static_cast<double>(settings.train_length)};
        },
};

}  // namespace hone::cli
