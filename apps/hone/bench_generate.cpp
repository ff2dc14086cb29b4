// Two works of the generating loop: a prompt of random tokens, and a stretch of greedy decoding.
#include "base/interrupt.h"
#include "base/rng.h"
#include "bench_work.h"
#include "runtime/generate.h"

namespace hone::cli {
namespace {

GenerateResult run_generate(LoadedModel& loaded, const BenchSettings& settings, size_t n_prompt,
                            size_t n_tokens) {
  throw_if_interrupted("bench");
  Rng rng(settings.seed);
  std::vector<TokenId> prompt(n_prompt);
  for (TokenId& token : prompt) token = static_cast<TokenId>(rng.below(loaded.model().config().n_vocab));
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = n_tokens;
  options.ignore_end = true;
  options.compute = settings.precise ? ComputeMode::kPrecise : ComputeMode::kFast;
  return generate(loaded.model(), loaded.tokenizer(), prompt, options);
}

class Generating : public TimedWork {
 public:
  Generating(LoadedModel& model, const BenchSettings& settings) : model_(model), settings_(settings) {}

 protected:
  LoadedModel& model_;
  const BenchSettings& settings_;
};

class Prefill final : public Generating {
 public:
  using Generating::Generating;
  double round() override {
    const GenerateResult result = run_generate(model_, settings_, settings_.prompt, 1);
    return static_cast<double>(result.prompt_tokens) / result.prompt_seconds;
  }
};

class Decode final : public Generating {
 public:
  using Generating::Generating;
  double round() override {
    // The first token comes from the prompt's logits.
    const GenerateResult result = run_generate(model_, settings_, 1, settings_.generate + 1);
    return static_cast<double>(result.tokens.size() - 1) / result.decode_seconds;
  }
};

}  // namespace

const BenchWork kPrefillWork = {
    .name = "prefill",
    .summary = "a prompt of --prompt random tokens",
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<Prefill>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings& settings) {
          const ModelCost cost(model);
          return WorkCost{.weight_operations = 2 * cost.block_weights,
                          .bytes = cost.block_bytes / static_cast<double>(settings.prompt)};
        },
};

const BenchWork kDecodeWork = {
    .name = "decode",
    .summary = "--generate tokens from an empty context",
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<Decode>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings&) {
          const ModelCost cost(model);
          return WorkCost{.weight_operations = 2 * (cost.block_weights + cost.head_weights),
                          .bytes = cost.block_bytes + cost.head_bytes};
        },
};

}  // namespace hone::cli
