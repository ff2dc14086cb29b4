// hone bench: prefill, decode and training speed of a model, beside what the machine could do.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/threads.h"
#include "bench_machine.h"
#include "command.h"
#include "cpu/isa.h"
#include "pipeline/loaded_model.h"
#include "runtime/generate.h"
#include "tune/adapter_set.h"
#include "tune/objectives/objective.h"
#include "tune/optimizer.h"
#include "tune/train_memory.h"

namespace hone::cli {
namespace {

constexpr size_t kTrainRows = 4, kTrainLength = 512;  // a step

struct Arguments {
  std::string model;
  std::vector<std::string> only;
  size_t prompt = 512, generate = 128, repeats = 3;
};

struct Result {
  std::string name;
  double tok_s = 0, limit_tok_s = 0;
  uint64_t peak_rss = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::vector<TokenId> random_tokens(size_t n, size_t vocab, Rng& rng) {
  std::vector<TokenId> tokens(n);
  for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(vocab));
  return tokens;
}

// Elements of the blocks' matrices, and whether they are quantized: what a token costs.
struct Cost {
  double block = 0, head = 0;
  bool quantized = false;
  explicit Cost(const Model& model) {
    model.for_each_linear([&](size_t, const Linear& linear) {
      block += static_cast<double>(linear.in_features()) * static_cast<double>(linear.out_features());
      quantized = quantized || linear.weight().format->quantized;
    });
    head = static_cast<double>(model.head().rows) * static_cast<double>(model.head().cols);
  }
};

// The fastest products the compute mode may use here, in operations per second.
double product_limit(const MachineLimits& machine, bool quantized, bool precise) {
  if (precise) return machine.f32_gflops * 1e9;
  if (quantized && machine.int8_gops > 0) return machine.int8_gops * 1e9;
  return (machine.bf16_gflops > 0 ? machine.bf16_gflops : machine.f32_gflops) * 1e9;
}

void bench_generate(const LoadedModel& loaded, const Arguments& arguments, const MachineLimits& machine,
                    bool precise, uint64_t seed, std::vector<Result>& results) {
  const auto wanted = [&](const char* name) {
    return std::find(arguments.only.begin(), arguments.only.end(), name) != arguments.only.end();
  };
  const bool prefill = wanted("prefill"), decode = wanted("decode");
  if (!prefill && !decode) return;
  Rng rng(seed);
  const std::vector<TokenId> prompt = random_tokens(arguments.prompt, loaded.model().config().n_vocab, rng);
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = decode ? arguments.generate : 1;
  options.ignore_end = true;
  options.compute = precise ? ComputeMode::kPrecise : ComputeMode::kFast;
  std::vector<double> prefill_rates, decode_rates;
  Progress progress("bench generate", arguments.repeats, "runs");
  for (size_t i = 0; i < arguments.repeats; ++i) {
    throw_if_interrupted("bench");
    const GenerateResult result = generate(loaded.model(), loaded.tokenizer(), prompt, options);
    if (result.prompt_seconds > 0)
      prefill_rates.push_back(static_cast<double>(result.prompt_tokens) / result.prompt_seconds);
    if (result.decode_seconds > 0)
      decode_rates.push_back(static_cast<double>(result.tokens.size()) / result.decode_seconds);
    progress.update(i + 1);
  }
  progress.finish();
  const Cost cost(loaded.model());
  if (prefill)
    results.push_back({.name = "prefill",
                       .tok_s = median(prefill_rates),
                       .limit_tok_s = product_limit(machine, cost.quantized, precise) / (2 * cost.block),
                       .peak_rss = peak_rss_bytes()});
  if (decode)
    results.push_back(
        {.name = "decode",
         .tok_s = median(decode_rates),
         .limit_tok_s = machine.read_gb_s * 1e9 / static_cast<double>(loaded.model().weight_bytes()),
         .peak_rss = peak_rss_bytes()});
}

// LoRA rank 16 on all linear layers, AdamW, 4 x 512 tokens a step.
Result bench_train(LoadedModel& loaded, const Arguments& arguments, const MachineLimits& machine,
                   bool precise, uint64_t seed) {
  Model& model = loaded.model();
  AdapterSet adapters = AdapterSet::create(model, AdapterSettings{});
  AdamW optimizer(adapters.parameters(), AdamWSettings{});
  const size_t length = std::min(kTrainLength, model.config().context_length);
  const TrainMemory memory =
      plan_memory(model, adapters.n_parameters(), length, Checkpointing::kAuto, available_memory_bytes());
  model.set_checkpointing(memory.checkpointing);
  Rng rng(seed);
  std::vector<PackedBatch> rows;
  for (size_t i = 0; i < kTrainRows; ++i) {
    const std::vector<TokenId> tokens = random_tokens(length + 1, model.config().n_vocab, rng);
    PackedBatch row;
    row.batch = TokenBatch::single(std::span(tokens).first(length));
    row.targets.assign(tokens.begin() + 1, tokens.end());
    row.n_targets = length;
    rows.push_back(std::move(row));
  }
  const Objective& objective = objective_named("sft");
  const double step_tokens = static_cast<double>(kTrainRows * length);
  std::vector<double> rates;
  Progress progress("bench train", arguments.repeats + 1, "steps");
  for (size_t step = 0; step <= arguments.repeats; ++step) {  // the first warms up
    const auto start = std::chrono::steady_clock::now();
    for (const PackedBatch& row : rows) {
      throw_if_interrupted("bench");
      Tape tape;
      OpContext ctx{.tape = &tape,
                    .compute = precise ? ComputeMode::kPrecise : ComputeMode::kTrain,
                    .observer = nullptr};
      objective.run(model, ctx, row, static_cast<float>(1.0 / step_tokens));
    }
    clip_gradients(adapters.parameters(), 1.0);
    optimizer.step(1e-4);
    if (step > 0) rates.push_back(step_tokens / seconds_since(start));
    progress.update(step + 1);
  }
  progress.finish();
  adapters.detach();
  const Cost cost(model);
  // Forward, and backward to the activations only: 2 + 2 operations per weight.
  return {.name = "train",
          .tok_s = median(rates),
          .limit_tok_s = product_limit(machine, false, precise) / (4 * (cost.block + cost.head)),
          .peak_rss = peak_rss_bytes()};
}

std::string machine_text(const MachineLimits& machine) {
  const auto number = [](double v, const char* unit) {
    return v > 0 ? fmt::format("{:.0f} {}", v, unit) : "-";
  };
  return fmt::format("machine: {} threads, {}: f32 {}, bf16 {}, int8 {}, read {}\n", thread_pool().size(),
                     isa_name(active_isa()), number(machine.f32_gflops, "GFLOP/s"),
                     number(machine.bf16_gflops, "GFLOP/s"), number(machine.int8_gops, "GOP/s"),
                     number(machine.read_gb_s, "GB/s"));
}

Outcome run(const Arguments& arguments, const CommonOptions& common) {
  say("measuring the machine");
  const MachineLimits machine = measure_machine(thread_pool().size());
  std::vector<Result> results;
  if (!arguments.model.empty()) {
    LoadedModel loaded(arguments.model);
    bench_generate(loaded, arguments, machine, common.precise, common.seed, results);
    if (std::find(arguments.only.begin(), arguments.only.end(), "train") != arguments.only.end())
      results.push_back(bench_train(loaded, arguments, machine, common.precise, common.seed));
  }
  Json json;
  json["machine"] = {{"f32_gflops", machine.f32_gflops}, {"bf16_gflops", machine.bf16_gflops},
                     {"int8_gops", machine.int8_gops},   {"read_gb_s", machine.read_gb_s},
                     {"threads", thread_pool().size()},  {"isa", isa_name(active_isa())}};
  json["results"] = Json::array();
  std::string text = machine_text(machine);
  if (!results.empty()) text += "\n             tok/s    limit  of limit   peak memory\n";
  for (const Result& r : results) {
    const double share = r.limit_tok_s > 0 ? r.tok_s / r.limit_tok_s : 0;
    json["results"].push_back({{"name", r.name},
                               {"model", arguments.model},
                               {"tok_s", r.tok_s},
                               {"limit_tok_s", r.limit_tok_s},
                               {"limit_share", share},
                               {"peak_rss_bytes", r.peak_rss}});
    text += fmt::format("  {:<8} {:>8.1f} {:>8.0f} {:>8.0f} %   {}\n", r.name, r.tok_s, r.limit_tok_s,
                        share * 100, format_bytes(r.peak_rss));
  }
  return {json, text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  arguments->only = {"prefill", "decode", "train"};
  app.add_option("-m,--model", arguments->model, "model to time; without one, only the machine is measured");
  app.add_option("--only", arguments->only, "of prefill, decode, train; separated by commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"prefill", "decode", "train"}));
  app.add_option("--prompt", arguments->prompt, "tokens of the prompt (default 512)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--generate", arguments->generate, "tokens to generate (default 128)")
      ->check(CLI::Range(2, 1 << 20));
  app.add_option("--repeats", arguments->repeats, "runs; the median counts (default 3)")
      ->check(CLI::Range(1, 1000));
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kBenchCommand = {
    .name = "bench",
    .summary = "prefill, decode and training speed beside the machine's limits",
    .example = "hone bench --model smollm2-135m-instruct --only prefill,decode",
    .declare = declare,
};

}  // namespace hone::cli
