// One timed piece of work each: a prompt, a stretch of decoding, a training step.
#pragma once

#include <cstdint>
#include <memory>

#include "pipeline/loaded_model.h"

namespace hone::cli {

struct BenchWork {
  size_t prompt = 512, generate = 128;
  bool precise = false;
  uint64_t seed = 42;
};

// Tokens per second of a prompt of random tokens (logits of the last one only).
double time_prefill(LoadedModel& model, const BenchWork& work);
// Tokens per second of greedy decoding from an empty context.
double time_decode(LoadedModel& model, const BenchWork& work);

// LoRA rank 16 on all linear layers, AdamW, steps of 4 x 512 random tokens. The adapters are on the model
// while this lives.
class TrainBench {
 public:
  TrainBench(LoadedModel& model, const BenchWork& work);
  ~TrainBench();
  // Tokens per second of one step.
  double time_step();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Operations per token (a multiply-add being two), and bytes that decoding reads.
struct BenchCost {
  double prefill_operations = 0, train_operations = 0, decode_bytes = 0;
  bool quantized = false;
  explicit BenchCost(const Model& model);
};

}  // namespace hone::cli
