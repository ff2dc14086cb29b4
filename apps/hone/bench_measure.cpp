#include "bench_measure.h"

#include <algorithm>
#include <chrono>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/rng.h"
#include "runtime/generate.h"
#include "tune/adapter_set.h"
#include "tune/objectives/objective.h"
#include "tune/optimizer.h"
#include "tune/train_memory.h"

namespace hone::cli {
namespace {

constexpr size_t kTrainRows = 4, kTrainLength = 512;  // a step

std::vector<TokenId> random_tokens(size_t n, size_t vocab, Rng& rng) {
  std::vector<TokenId> tokens(n);
  for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(vocab));
  return tokens;
}

GenerateResult run_generate(LoadedModel& loaded, const BenchWork& work, size_t n_prompt, size_t n_tokens) {
  throw_if_interrupted("bench");
  Rng rng(work.seed);
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = n_tokens;
  options.ignore_end = true;
  options.compute = work.precise ? ComputeMode::kPrecise : ComputeMode::kFast;
  return generate(loaded.model(), loaded.tokenizer(),
                  random_tokens(n_prompt, loaded.model().config().n_vocab, rng), options);
}

}  // namespace

double time_prefill(LoadedModel& model, const BenchWork& work) {
  const GenerateResult result = run_generate(model, work, work.prompt, 1);
  return static_cast<double>(result.prompt_tokens) / result.prompt_seconds;
}

double time_decode(LoadedModel& model, const BenchWork& work) {
  // The first token comes from the prompt's logits.
  const GenerateResult result = run_generate(model, work, 1, work.generate + 1);
  return static_cast<double>(result.tokens.size() - 1) / result.decode_seconds;
}

struct TrainBench::Impl {
  Model& model;
  ComputeMode compute;
  AdapterSet adapters;
  AdamW optimizer;
  std::vector<PackedBatch> rows;
  const Objective& objective = objective_named("sft");

  Impl(Model& base, const BenchWork& work)
      : model(base),
        compute(work.precise ? ComputeMode::kPrecise : ComputeMode::kFast),
        adapters(AdapterSet::create(base, AdapterSettings{})),
        optimizer(adapters.parameters(), AdamWSettings{}) {
    const size_t length = std::min(kTrainLength, model.config().context_length);
    const TrainMemory memory =
        plan_memory(model, adapters.n_parameters(), length, Checkpointing::kAuto, available_memory_bytes());
    model.set_checkpointing(memory.checkpointing);
    Rng rng(work.seed);
    for (size_t i = 0; i < kTrainRows; ++i) {
      const std::vector<TokenId> tokens = random_tokens(length + 1, model.config().n_vocab, rng);
      PackedBatch row;
      row.batch = TokenBatch::single(std::span(tokens).first(length));
      row.targets.assign(tokens.begin() + 1, tokens.end());
      row.n_targets = length;
      rows.push_back(std::move(row));
    }
  }
};

TrainBench::TrainBench(LoadedModel& model, const BenchWork& work)
    : impl_(std::make_unique<Impl>(model.model(), work)) {}

TrainBench::~TrainBench() {
  impl_->adapters.detach();
}

double TrainBench::time_step() {
  const auto start = std::chrono::steady_clock::now();
  size_t tokens = 0;
  for (const PackedBatch& row : impl_->rows) tokens += row.n_targets;
  for (const PackedBatch& row : impl_->rows) {
    throw_if_interrupted("bench");
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = impl_->compute, .observer = nullptr};
    impl_->objective.run(impl_->model, ctx, row, static_cast<float>(1.0 / static_cast<double>(tokens)));
  }
  clip_gradients(impl_->adapters.parameters(), 1.0);
  impl_->optimizer.step(1e-4);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return static_cast<double>(tokens) / seconds;
}

BenchCost::BenchCost(const Model& model) {
  double block = 0;
  model.for_each_linear([&](size_t, const Linear& linear) {
    block += static_cast<double>(linear.in_features()) * static_cast<double>(linear.out_features());
    quantized = quantized || linear.weight().format->quantized;
  });
  const double head = static_cast<double>(model.head().rows) * static_cast<double>(model.head().cols);
  prefill_operations = 2 * block;
  // Forward, and backward to the activations only.
  train_operations = 4 * (block + head);
  decode_bytes = static_cast<double>(model.weight_bytes());
}

}  // namespace hone::cli
