// Works of the generating loop: a prompt of random tokens, a stretch of greedy decoding, and several texts
// decoded together behind short prompts.
#include <fmt/format.h>

#include <algorithm>

#include "base/interrupt.h"
#include "bench_work.h"
#include "ops/kv_layer.h"
#include "runtime/generate.h"
#include "runtime/text_writer.h"

namespace hone::cli {
namespace {

// Greedy, whatever comes out.
GenerateOptions options_for(const BenchSettings& settings, size_t n_tokens) {
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = n_tokens;
  options.ignore_end = true;
  options.compute = serving_mode(settings.precise);
  return options;
}

GenerateResult run_generate(LoadedModel& loaded, const BenchSettings& settings, size_t n_prompt,
                            size_t n_tokens) {
  throw_if_interrupted("bench");
  Rng rng(settings.seed);
  return generate(loaded.model(), loaded.tokenizer(), random_tokens(loaded.model(), n_prompt, rng),
                  options_for(settings, n_tokens));
}

// Keys and values that a token behind `tokens` others reads.
size_t written_bytes(const ModelConfig& config, size_t tokens, KvFormat format) {
  size_t bytes = 0;
  for (size_t layer = 0; layer < config.n_layers; ++layer) {
    const size_t seen = config.window(layer) != 0 ? std::min(tokens, config.window(layer)) : tokens;
    bytes += KvLayer::bytes(config.n_kv_heads, config.head_dim, seen, format);
  }
  return bytes;
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
    if (!warm_) run_generate(model_, settings_, settings_.prompt, 1);  // as llama-bench does
    warm_ = true;
    const GenerateResult result = run_generate(model_, settings_, settings_.prompt, 1);
    return static_cast<double>(result.prompt_tokens) / result.prompt_seconds;
  }

 private:
  bool warm_ = false;
};

class Decode final : public Generating {
 public:
  using Generating::Generating;
  double round() override {
    // The first token comes from the prompt's logits.
    const size_t prompt = std::max<size_t>(1, settings_.depth);
    const GenerateResult result = run_generate(model_, settings_, prompt, settings_.generate + 1);
    return static_cast<double>(result.decoded()) / result.decode_seconds;
  }
  std::string note() const override {
    return settings_.depth == 0 ? std::string() : fmt::format("behind {} tokens", settings_.depth);
  }
};

class BatchedDecode final : public Generating {
 public:
  using Generating::Generating;
  double round() override {
    throw_if_interrupted("bench");
    Rng rng(settings_.seed);
    std::vector<std::vector<TokenId>> prompts;
    for (size_t i = 0; i < settings_.sequences; ++i)
      prompts.push_back(random_tokens(model_.model(), kBatchedPrompt, rng));
    size_t tokens = 0;
    double seconds = 0;
    // The first token of each comes from its prompt's logits.
    for (const GenerateResult& result : generate_all(model_.model(), model_.tokenizer(), prompts,
                                                     options_for(settings_, settings_.generate + 1))) {
      tokens += result.tokens.size() - 1;
      seconds = std::max(seconds, result.decode_seconds);
    }
    return static_cast<double>(tokens) / seconds;
  }
  std::string note() const override { return std::to_string(settings_.sequences) + " texts together"; }
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
          return WorkCost{.weight_operations = 2 * (cost.block_weights - cost.late_weights),
                          .bytes = cost.block_bytes / static_cast<double>(settings.prompt)};
        },
};

const BenchWork kDecodeWork = {
    .name = "decode",
    .summary = "--generate tokens behind --depth others",
    .prepare = [](LoadedModel& model, const BenchSettings& settings) -> std::unique_ptr<TimedWork> {
      return std::make_unique<Decode>(model, settings);
    },
    .cost =
        [](const Model& model, const BenchSettings& settings) {
          const ModelCost cost(model);
          const size_t written = written_bytes(model.config(), settings.depth + settings.generate / 2,
                                               cache_type(options_for(settings, 0)));
          return WorkCost{.weight_operations = 2 * (cost.block_weights + cost.head_weights),
                          .bytes = cost.block_bytes + cost.head_bytes + static_cast<double>(written)};
        },
};

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
