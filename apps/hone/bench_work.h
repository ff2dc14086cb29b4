// What `hone bench` can time: one descriptor per work, listed in bench_work_list.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "bench_machine.h"
#include "pipeline/loaded_model.h"

namespace hone::cli {

struct BenchSettings {
  size_t prompt = 512, generate = 128;
  size_t depth = 0;                           // tokens in the context before those of decoding
  size_t sequences = 8;                       // of batched decoding
  size_t train_rows = 4, train_length = 512;  // of a step
  size_t context = 512;                       // of perplexity's windows
  std::string text;                           // of perplexity
  uint64_t memory_limit = 0;                  // for the process, when training; 0: what is available
  bool precise = false;
  uint64_t seed = 42;
};

// One work made ready; repeated in rounds.
class TimedWork {
 public:
  virtual ~TimedWork() = default;
  // Does it once: tokens per second.
  virtual double round() = 0;
  // What was chosen for it, to be printed ("3 of 30 blocks recomputed"); empty for nothing.
  virtual std::string note() const { return {}; }
};

// What a token costs: operations (a multiply-add being two) and bytes that must come from memory.
struct WorkCost {
  double weight_operations =
      0;  // on the roads of the weights: int8 if their codes are fastest so, else that of floats
  // When training: of gradients through weights that are not trained, and of the vocabulary projection both
  // ways (ComputeMode::kInt8).
  double frozen_operations = 0;
  double head_operations = 0;  // of the vocabulary projection of many rows (ops/context.h: HeadProduct)
  double bytes = 0;
  double operations() const { return weight_operations + frozen_operations + head_operations; }
};

struct BenchWork {
  std::string_view name;     // "prefill"
  std::string_view summary;  // for --help
  bool by_default = true;
  std::unique_ptr<TimedWork> (*prepare)(LoadedModel& model, const BenchSettings& settings) = nullptr;
  WorkCost (*cost)(const Model& model, const BenchSettings& settings) = nullptr;
};

std::span<const BenchWork* const> all_bench_works() noexcept;
// name must be one of the list.
const BenchWork& bench_work_named(std::string_view name);

extern const BenchWork kPrefillWork, kDecodeWork, kBatchedDecodeWork, kTrainWork, kPerplexityWork;

constexpr size_t kBatchedPrompt = 16;  // tokens of each prompt before batched decoding

// n tokens of the model's vocabulary.
std::vector<TokenId> random_tokens(const Model& model, size_t n, Rng& rng);

// Sums over a model's matrices, for the costs.
struct ModelCost {
  double block_weights = 0, head_weights = 0;  // elements
  double late_weights = 0;  // of block_weights, those that only tokens with a wanted result meet
  double int8_weights = 0;  // of block_weights, those that are fastest multiplied as int8 codes
  double block_bytes = 0, head_bytes = 0;
  bool head_quantized = false;
  explicit ModelCost(const Model& model);
};

// Operations per second at best on the roads of WorkCost.
struct Roofs {
  double weight_operations = 0, frozen_operations = 0, head_operations = 0;
};
Roofs roofs_of(const MachineLimits& machine, const ModelCost& model, bool precise);
// Tokens per second at best: what the products or the memory allow, whichever is less.
double limit_of(const WorkCost& cost, const Roofs& roofs, const MachineLimits& machine);

}  // namespace hone::cli
