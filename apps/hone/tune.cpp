// hone tune: teach a model from chats; the result is an adapter.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "command.h"
#include "pipeline/loaded_model.h"
#include "record.h"
#include "tune/objectives/objective.h"
#include "tune/schedule.h"
#include "tune/trainer.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, data, valid, output, checkpointing = "auto", targets, memory_limit;
  size_t limit = 0;
  TrainConfig config;
};

template <typename Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto* row : rows) names.emplace_back(row->name);
  return names;
}

Json result_json(const Arguments& arguments, const TrainResult& result) {
  Json json;
  json["objective"] = arguments.config.objective;
  json["adapter"] = arguments.config.adapter.kind;
  json["steps"] = result.steps;
  json["resumed_from"] = result.resumed_from;
  json["tokens"] = result.tokens;
  json["train_loss"] = Json::array();
  json["valid_loss"] = Json::array();
  for (const StepRecord& step : result.curve) {
    json["train_loss"].push_back(step.train_loss);
    if (step.valid_loss) json["valid_loss"].push_back(*step.valid_loss);
  }
  json["best_step"] = result.best_step;
  json["tok_s"] = result.tok_s;
  json["seconds"] = result.seconds;
  json["peak_rss_bytes"] = result.peak_rss_bytes;
  json["trainable_parameters"] = result.trainable_parameters;
  json["recomputed_blocks"] = result.recomputed_blocks;
  json["blocks"] = result.n_blocks;
  json["output"] = arguments.output;
  return json;
}

std::vector<RecordedMetric> metrics_of(const TrainResult& result) {
  std::vector<RecordedMetric> metrics;
  const auto add = [&](const char* name, double value) {
    metrics.push_back({.stage = "tuned", .name = name, .value = value, .low = {}, .high = {}});
  };
  if (!result.curve.empty()) add("train_loss", result.curve.back().train_loss);
  if (result.best_valid_loss) add("valid_loss", *result.best_valid_loss);
  add("best_step", static_cast<double>(result.best_step));
  add("steps", static_cast<double>(result.steps));
  add("tokens", static_cast<double>(result.tokens));
  add("tok_s", result.tok_s);
  return metrics;
}

std::string result_text(const Arguments& arguments, const TrainResult& result) {
  std::string text = fmt::format(
      "{} steps, {} tokens, {:.0f} tok/s, {:.1f} M trainable parameters, {} of {} blocks recomputed, peak "
      "memory "
      "{}\n",
      result.steps, result.tokens, result.tok_s, static_cast<double>(result.trainable_parameters) / 1e6,
      result.recomputed_blocks, result.n_blocks, format_bytes(result.peak_rss_bytes));
  if (!result.curve.empty())
    text +=
        fmt::format("loss {:.4f} -> {:.4f}", result.curve.front().train_loss, result.curve.back().train_loss);
  if (result.best_valid_loss)
    text +=
        fmt::format(", best validation loss {:.4f} at step {}", *result.best_valid_loss, result.best_step);
  text +=
      fmt::format("\nadapter: {}\n\nnext:\n  hone merge --model {} --adapter {} --output tuned-f16.gguf\n",
                  arguments.output, arguments.model, arguments.output);
  return text;
}

Outcome run(Arguments arguments, const CommonOptions& common) {
  TrainConfig& config = arguments.config;
  config.seed = config.adapter.seed = common.seed;
  config.precise = common.precise;
  config.checkpointing = parse_checkpointing(arguments.checkpointing);
  if (!arguments.memory_limit.empty())
    config.memory_limit = parse_bytes("--memory-limit", arguments.memory_limit);
  if (!arguments.targets.empty()) config.adapter.targets = CLI::detail::split(arguments.targets, ',');
  validate(config);
  LoadedModel loaded(arguments.model);
  const Dataset train_data = load_dataset(arguments.data, loaded.codec(), config.max_length, arguments.limit);
  std::optional<Dataset> valid;
  if (!arguments.valid.empty()) valid = load_dataset(arguments.valid, loaded.codec(), config.max_length);
  say(fmt::format("{}: {} chats, {} tokens, {} of them learned{}", arguments.data, train_data.samples.size(),
                  train_data.n_tokens, train_data.n_supervised,
                  train_data.n_truncated > 0
                      ? fmt::format(", {} cut to {} tokens", train_data.n_truncated, config.max_length)
                      : ""));
  const BaseInfo base{.name = arguments.model, .fingerprint = weights_fingerprint(loaded.source())};
  const TrainData data{.train = train_data, .valid = valid ? &*valid : nullptr};
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.recipe = settings_text(settings_json(config));
  record.inputs = {{arguments.data, train_data.content_hash}, {arguments.model, base.fingerprint}};
  if (valid) record.inputs.push_back({arguments.valid, valid->content_hash});
  begin_record(common);
  const TrainResult result = train(loaded.model(), data, base, config, arguments.output);
  record.outputs = {absolute_path(arguments.output)};
  record.metrics = metrics_of(result);
  return {result_json(arguments, result), result_text(arguments, result)};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  TrainConfig& config = arguments->config;
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_option("-d,--data", arguments->data, "training chats, JSON Lines")->required();
  app.add_option("--valid", arguments->valid,
                 "held-out chats; the adapter of the lowest loss on them is kept");
  app.add_option("-o,--output", arguments->output, "folder for the adapter")->required();
  app.add_option("--limit", arguments->limit, "use only the first N training chats");
  app.add_option("--objective", config.objective, "what is learned")
      ->check(CLI::IsMember(names_of(all_objectives())));
  CLI::Option* method =
      app.add_option("--adapter,--method", config.adapter.kind, "what is trained (default lora)")
          ->check(CLI::IsMember(names_of(all_adapter_kinds())));
  CLI::Option* rank = app.add_option("--rank", config.adapter.rank, "rank of the adapter (default 16)");
  CLI::Option* alpha =
      app.add_option("--alpha", config.adapter.alpha, "scaling is alpha / rank (default 32)");
  CLI::Option* rslora = app.add_flag("--rslora", config.adapter.rslora, "scaling is alpha / sqrt(rank)");
  CLI::Option* dropout =
      app.add_option("--dropout", config.adapter.dropout, "dropout of the adapter's input (default 0)");
  CLI::Option* targets = app.add_option("--targets", arguments->targets,
                                        "layers, comma-separated: q_proj,v_proj (default all linear)");
  app.add_option("--lr", config.lr, "peak learning rate (default 2e-4)");
  app.add_option("--schedule", config.schedule, "learning rate over time: cosine, linear, constant");
  app.add_option("--warmup", config.warmup_ratio, "share of the steps for warm-up (default 0.03)");
  app.add_option("--warmup-steps", config.warmup_steps, "steps of warm-up, instead of a share");
  app.add_option("--min-lr-ratio", config.min_lr_ratio, "where the schedule ends (default 0.1 of --lr)");
  CLI::Option* steps = app.add_option("--steps", config.steps, "optimizer steps")->check(CLI::PositiveNumber);
  CLI::Option* epochs = app.add_option("--epochs", config.epochs, "passes over the data (default 1)")
                            ->check(CLI::PositiveNumber);
  CLI::Option* tokens =
      app.add_option("--tokens", config.tokens, "stop with the step that reaches so many tokens")
          ->check(CLI::PositiveNumber);
  steps->excludes(epochs)->excludes(tokens);
  epochs->excludes(tokens);
  app.add_option("--batch", config.batch, "rows per micro-batch (default 1)");
  app.add_option("--accumulate", config.accumulate, "micro-batches per step (default 8)");
  app.add_option("--max-length", config.max_length, "tokens per row; longer chats are cut (default 1024)");
  app.add_option("--weight-decay", config.weight_decay, "AdamW's (default 0)");
  app.add_option("--clip", config.clip, "largest gradient norm, 0 = off (default 1)");
  CLI::Option* init = app.add_option("--init-adapter", config.init_adapter,
                                     "go on training this adapter, with the rank, alpha and layers it has");
  for (CLI::Option* own : {method, rank, alpha, rslora, dropout, targets}) init->excludes(own);
  app.add_flag("--ignore-base", config.ignore_base, "accept an --init-adapter of other weights");
  app.add_flag("!--no-packing", config.packing, "one chat per row");
  app.add_flag("!--no-shuffle", config.shuffle, "the order of the data file");
  app.add_option(
      "--checkpointing", arguments->checkpointing,
      "recompute activations: on (of all blocks), off, auto (of as few as the memory allows; default)");
  app.add_option(
      "--memory-limit", arguments->memory_limit,
      "the most this process may hold: 6.5GB, 800MB, 4GiB (default nine tenths of what is available)");
  app.add_option("--eval-every", config.eval_every, "steps between validations (default: five times)");
  app.add_option("--save-every", config.save_every,
                 "steps between saves of the state to resume from (default: about once a minute)");
  app.add_flag("--restart", config.restart, "throw away the state of a stopped run");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kTuneCommand = {
    .name = "tune",
    .summary = "teach a model from chats; the result is an adapter",
    .example =
        "hone tune --model smollm2-135m-instruct --data examples/medical/data/train.jsonl --output adapter",
    .resumes = true,
    .declare = declare,
};

}  // namespace hone::cli
