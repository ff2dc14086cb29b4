// Several texts decoded together, greedy, behind prompts of a few random tokens.
#include <algorithm>

#include "base/interrupt.h"
#include "base/rng.h"
#include "bench_work.h"
#include "runtime/generate.h"

namespace hone::cli {
namespace {

class BatchedDecode final : public TimedWork {
 public:
  BatchedDecode(LoadedModel& model, const BenchSettings& settings) : model_(model), settings_(settings) {}

  double round() override {
    throw_if_interrupted("bench");
    Rng rng(settings_.seed);
    std::vector<std::vector<TokenId>> prompts(settings_.sequences);
    for (std::vector<TokenId>& prompt : prompts)
      for (size_t i = 0; i < kBatchedPrompt; ++i)
        prompt.push_back(static_cast<TokenId>(rng.below(model_.model().config().n_vocab)));
    GenerateOptions options;
    options.sampling.temperature = 0;
    options.max_tokens = settings_.generate + 1;  // the first comes from the prompt's logits
    options.ignore_end = true;
    options.compute = settings_.precise ? ComputeMode::kPrecise : ComputeMode::kFast;
    size_t tokens = 0;
    double seconds = 0;
    for (const GenerateResult& result : generate_all(model_.model(), model_.tokenizer(), prompts, options)) {
      tokens += result.tokens.size() - 1;
      seconds = std::max(seconds, result.decode_seconds);
    }
    return static_cast<double>(tokens) / seconds;
  }
  std::string note() const override { return std::to_string(settings_.sequences) + " texts together"; }

 private:
  LoadedModel& model_;
  const BenchSettings& settings_;
};

}  // namespace

const BenchWork kBatchedDecodeWork = {
    .name = "batched-decode",
    .summary = "--generate tokens of each of --sequences texts together",
    .by_default = false,
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<BatchedDecode>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings& settings) {
          const ModelCost cost(model);
          // One reading of the weights serves a token of every text.
          return WorkCost{
              .weight_operations = 2 * (cost.block_weights + cost.head_weights),
              .bytes = (cost.block_bytes + cost.head_bytes) / static_cast<double>(settings.sequences)};
        },
};

}  // namespace hone::cli
