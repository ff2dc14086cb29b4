// Blocks recomputed within a budget: the same gradients whatever is chosen, and a peak as foreseen.
#include "tune/train_memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/memory.h"
#include "tune/adapter_set.h"
#include "tune/objectives/objective.h"
#include "tune/optimizer.h"
#include "tune/testing.h"

namespace hone {
namespace {

constexpr size_t kTokens = 200;

// Big enough that a step's memory is that of its activations, with a vocabulary that adds little.
testing::TinyLlama deep_shape() {
  testing::TinyLlama shape;
  shape.n_layers = 6;
  shape.format = "q8_0";
  return shape;
}

struct Step {
  MemorySource source = testing::tiny_llama(deep_shape());
  Model model{source};
  AdapterSet adapters = AdapterSet::create(model, {.rank = 4, .alpha = 8});
  PackedBatch row;

  Step() {
    testing::randomize(adapters.parameters(), 0.02, 3);
    Rng rng(4);
    std::vector<int32_t> tokens(kTokens + 1);
    for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(model.config().n_vocab));
    row.batch = TokenBatch::single(std::span(tokens).first(kTokens));
    row.targets.assign(tokens.begin() + 1, tokens.end());
    row.n_targets = kTokens;
  }
  void run(size_t recomputed_blocks) {
    model.set_recomputed_blocks(recomputed_blocks);
    for (Parameter* parameter : adapters.parameters()) {
      parameter->ensure_grad();
      std::memset(parameter->grad.data(), 0, parameter->grad.size() * sizeof(float));
    }
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = ComputeMode::kFast};
    objective_named("sft").run(model, ctx, row, 1.0f / kTokens);
  }
  std::vector<float> gradients() const {
    std::vector<float> all;
    for (const Parameter* parameter : adapters.parameters())
      all.insert(all.end(), parameter->grad.data(), parameter->grad.data() + parameter->grad.size());
    return all;
  }
};

TEST(Recomputing, GradientsAreTheSameBitForBit) {
  Step step;
  step.run(0);
  const std::vector<float> expected = step.gradients();
  ASSERT_GT(global_gradient_norm(step.adapters.parameters()), 0);
  for (size_t n = 1; n <= step.model.config().n_layers; ++n) {
    step.run(n);
    const std::vector<float> got = step.gradients();
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << n;
  }
}

TEST(Recomputing, PeakIsAsForeseen) {
  Step step;
  size_t last = SIZE_MAX;
  for (size_t n = 0; n <= step.model.config().n_layers; ++n) {
    step.run(n);  // gradients of the parameters and buffers of all sizes are there
    const size_t before = tensor_memory().in_use;
    reset_tensor_peak();
    step.run(n);
    const size_t measured = tensor_memory().peak - before;
    const TrainMemory plan = plan_memory(step.model, 0, kTokens, Checkpointing::kOff, UINT64_MAX);
    const size_t foreseen = step.model.activation_bytes_per_token(n) * kTokens + plan.working;
    EXPECT_LE(measured, foreseen + foreseen / 8) << n;  // buffers' sizes are rounded up by up to an eighth
    EXPECT_GE(measured, foreseen - foreseen / 3) << n;
    // With one block left whole, a recomputed one takes as much.
    if (n < step.model.config().n_layers) {
      EXPECT_LT(measured, last) << n;
    }
    last = measured;
    EXPECT_EQ(tensor_memory().in_use, before) << n;
  }
}

TEST(Recomputing, FreedBuffersGoBackBeforeTheLimitIsPassed) {
  Step step;
  step.run(0);
  const size_t before = tensor_memory().in_use;
  ASSERT_GT(tensor_memory().held, before);  // buffers wait
  limit_tensor_memory(before + 1000);
  const Tensor other = Tensor::empty({3, 12345});  // no buffer of this size waits
  EXPECT_LE(tensor_memory().held, tensor_memory().in_use);
  EXPECT_EQ(tensor_memory().in_use, tensor_memory().held);
  limit_tensor_memory(0);
}

TEST(TrainMemory, FewestBlocksAreRecomputed) {
  Step step;
  const Model& model = step.model;
  const size_t all = model.config().n_layers;
  const auto needed = [&](Checkpointing wish) {
    return plan_memory(model, 1000, kTokens, wish, UINT64_MAX).needed();
  };
  const uint64_t most = needed(Checkpointing::kOff), least = needed(Checkpointing::kOn);
  ASSERT_GT(most, least);
  const auto chosen = [&](uint64_t available, Checkpointing wish = Checkpointing::kAuto) {
    const TrainMemory memory = plan_memory(model, 1000, kTokens, wish, available);
    EXPECT_LE(memory.needed(), available);
    return memory.recomputed_blocks;
  };
  EXPECT_EQ(chosen(most), 0u);
  EXPECT_EQ(chosen(most - 1), 1u);
  EXPECT_EQ(chosen(most, Checkpointing::kOn), all);
  size_t last = 0;
  for (uint64_t available = most; available >= least; available -= (most - least) / 10) {
    EXPECT_GE(chosen(available), last);
    last = chosen(available);
  }
  EXPECT_GE(last, all - 2);
}

TEST(TrainMemory, RefusesWhatDoesNotFit) {
  Step step;
  const auto error_of = [&](Checkpointing wish, uint64_t available) -> std::string {
    try {
      plan_memory(step.model, 1000, kTokens, wish, available);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
      return error.what();
    }
    ADD_FAILURE() << "planned";
    return {};
  };
  EXPECT_NE(error_of(Checkpointing::kAuto, 1000).find("1 kB available"), std::string::npos);
  const uint64_t most = plan_memory(step.model, 1000, kTokens, Checkpointing::kOff, UINT64_MAX).needed();
  EXPECT_NE(error_of(Checkpointing::kOff, most - 1).find("turn checkpointing on"), std::string::npos);
}

TEST(TrainMemory, ALimitIsForTheWholeProcess) {
  const uint64_t resident = resident_bytes();
  EXPECT_EQ(memory_budget(resident / 2, 10), 120u);
  EXPECT_LE(memory_budget(resident + (uint64_t{1} << 20), 0), uint64_t{64} << 20);
  EXPECT_LE(memory_budget(0, 0), available_memory_bytes());
}

}  // namespace
}  // namespace hone
