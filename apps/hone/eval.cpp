// hone eval: what a model is worth on text and chats, alone or against a reference.
#include <fmt/format.h>

#include <algorithm>

#include "adapter_option.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "command.h"
#include "eval/evaluate.h"
#include "eval_tasks.h"
#include "pipeline/loaded_model.h"
#include "record.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, reference, text, chat;
  std::string convention = "llama.cpp", cache_type;
  size_t context = 512, max_windows = 0, limit = 0, max_length = 1024;
  AdapterOption adapters;
  TaskOptions tasks;
};

// A metric under its name, in the JSON and in the text.
void add(Json& metrics, std::string& text, const std::string& name, const Estimate& estimate,
         const std::string& what) {
  metrics[name] = to_json(estimate);
  text += fmt::format("  {:<24} {:>10.4f} ± {:.4f}   {}\n", name, estimate.value, estimate.stderr_, what);
}

void add_divergence(Json& metrics, std::string& text, const std::string& suffix, const Scores& scores) {
  if (scores.kl.empty()) return;
  add(metrics, text, "kl" + suffix, bootstrap_mean(scores.kl), "nats to the reference, f32");
  add(metrics, text, "top1_agreement" + suffix, bootstrap_mean(scores.top1), "share of tokens");
}

Outcome run(Arguments& arguments, const CommonOptions& common) {
  arguments.tasks.check();
  const std::vector<std::string> task_files = arguments.tasks.files();
  if (arguments.text.empty() && arguments.chat.empty() && task_files.empty())
    fail(ErrorCode::kInvalidArgument,
         "nothing to measure on: give --text FILE, --chat FILE.jsonl or --task NAME --data FILE.jsonl");
  const ComputeMode compute = common.precise ? ComputeMode::kPrecise : ComputeMode::kFast;
  const bool paper = arguments.convention == "paper";
  const std::string text_source = arguments.text.empty() ? std::string() : read_file(arguments.text);
  const TaskSets tasks(arguments.tasks, arguments.limit);
  const LoadedModel loaded(arguments.model, arguments.adapters.choices(), arguments.adapters.ignore_base);
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.inputs = {{arguments.model, ""}};
  for (const std::string& file : {arguments.text, arguments.chat}) {
    if (!file.empty()) record.inputs.push_back({file, hash_file(file)});
  }
  for (const std::string& file : task_files) record.inputs.push_back({file, hash_file(file)});
  begin_record(common);
  std::unique_ptr<LoadedModel> reference;
  if (!arguments.reference.empty()) reference = std::make_unique<LoadedModel>(arguments.reference);
  const Model* reference_model = reference == nullptr ? nullptr : &reference->model();
  Candidate candidate{.model = &loaded.model(), .compute = compute};
  if (!arguments.cache_type.empty()) candidate.cache_type = kv_format_named(arguments.cache_type);
  const std::vector<Candidate> candidates = {candidate};

  Json metrics = Json::object();
  std::string text = fmt::format("{}, compute {}\n", arguments.model, compute_mode_name(compute));
  Json protocol = {{"compute", compute_mode_name(compute)}};
  if (candidate.cache_type) protocol["cache_type"] = kv_format_name(*candidate.cache_type);
  if (!arguments.text.empty()) {
    const auto items =
        perplexity_items(loaded.tokenizer(), text_source,
                         paper ? PerplexityConvention::kPaper : PerplexityConvention::kLlamaCpp,
                         arguments.context, arguments.max_windows);
    const Scores scores = score(candidates, reference_model, items, "text")[0];
    const std::string convention = fmt::format("{} convention, context {}, {} windows", arguments.convention,
                                               arguments.context, items.size());
    add(metrics, text, "perplexity", bootstrap_perplexity(scores.nll, common.seed), convention);
    add_divergence(metrics, text, "", scores);
    protocol["convention"] = arguments.convention;
    protocol["context"] = arguments.context;
    protocol["windows"] = items.size();
    protocol["text"] = arguments.text;
  }
  if (!arguments.chat.empty()) {
    const size_t max_length = std::min(arguments.max_length, loaded.model().config().context_length);
    const Dataset chats = load_dataset(arguments.chat, loaded.codec(), max_length, arguments.limit);
    const Scores scores = score(candidates, reference_model, chat_items(chats), "answers")[0];
    add(metrics, text, "answer_loss", bootstrap_mean(scores.nll, common.seed),
        fmt::format("nats per token over {} answers", chats.samples.size()));
    add_divergence(metrics, text, arguments.text.empty() ? "" : "_chat", scores);
    protocol["chats"] = chats.samples.size();
    protocol["chat"] = arguments.chat;
  }
  Json json;
  if (!tasks.empty()) {
    const TaskSets::Side model{loaded, candidate};
    std::optional<TaskSets::Side> other;
    if (reference != nullptr)
      other.emplace(TaskSets::Side{*reference, {.model = reference_model, .compute = ComputeMode::kPrecise}});
    tasks.run(model, other ? &*other : nullptr, common.seed, json, metrics, text);
    for (const Json& task : json["tasks"]) protocol["tasks"].push_back(task.at("protocol"));
  }
  if (reference != nullptr) protocol["reference"] = arguments.reference + ", precise (f32)";
  if (!arguments.adapters.texts.empty()) protocol["adapters"] = arguments.adapters.json();
  record.recipe = settings_text(protocol);
  for (const auto& [name, metric] : metrics.items())
    record.metrics.push_back({.stage = "eval",
                              .name = name,
                              .value = metric.at("value").get<double>(),
                              .low = metric.at("low").get<double>(),
                              .high = metric.at("high").get<double>()});
  Json out;
  out["model"] = arguments.model;
  if (protocol.contains("adapters")) out["adapters"] = arguments.adapters.json();
  out["protocol"] = protocol;
  out["metrics"] = metrics;
  if (json.contains("tasks")) out["tasks"] = json["tasks"];
  return {out, text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  arguments->adapters.declare(app);
  app.add_option("--reference", arguments->reference,
                 "model to compare with, always run in f32: KL, agreement, changed answers");
  app.add_option("--text", arguments->text, "text file: perplexity");
  app.add_option("--convention", arguments->convention,
                 "llama.cpp (second half of each window) or paper (all of it)")
      ->check(CLI::IsMember({"llama.cpp", "paper"}));
  app.add_option("--context", arguments->context, "tokens per window (default 512)")
      ->check(CLI::Range(8, 1 << 20));
  app.add_option("--cache-type", arguments->cache_type,
                 "read through a cache of keys and values as generating does, stored as this: f32, f16 or "
                 "q8_0 (default: without a cache)")
      ->check(CLI::IsMember({"f32", "f16", "q8_0"}));
  app.add_option("--max-windows", arguments->max_windows, "only the first N windows");
  app.add_option("--chat", arguments->chat, "held-out chats, JSON Lines: mean loss of the answers");
  app.add_option("--limit", arguments->limit, "only the first N chats, and the first N items of each task");
  app.add_option("--max-length", arguments->max_length,
                 "tokens per chat; longer ones are cut (default 1024)");
  arguments->tasks.declare(app);
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kEvalCommand = {
    .name = "eval",
    .summary = "perplexity, answer loss, tasks; KL, agreement and changed answers against a reference",
    .example =
        "hone eval --model smollm2-135m-instruct --text examples/medical/data/general.txt "
        "--chat examples/medical/data/test.jsonl",
    .declare = declare,
};

}  // namespace hone::cli
