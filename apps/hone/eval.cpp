// hone eval: what a model is worth on text and chats, alone or against a reference.
#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "command.h"
#include "eval_stages.h"
#include "evaluation.h"
#include "record.h"

namespace hone::cli {
namespace {

void fill_record(RunRecord& record, const EvalOutput& out) {
  record.recipe = settings_text(out.protocol);
  for (const auto& [name, metric] : out.metrics.items())
    record.metrics.push_back({.stage = "eval",
                              .name = name,
                              .value = metric.at("value").get<double>(),
                              .low = metric.at("low").get<double>(),
                              .high = metric.at("high").get<double>()});
}

void check(const EvalArguments& arguments, bool has_tasks) {
  const bool scores = !arguments.text.empty() || !arguments.chat.empty();
  arguments.rare.check(scores);
  arguments.overfit.check(arguments.chat);
  if (arguments.neutral && arguments.reference.empty())
    fail(ErrorCode::kInvalidArgument,
         "--neutral: got no --reference, the model whose answers to neutral chats count as unchanged");
  if (!scores && !arguments.neutral && !has_tasks && arguments.refusals.prompts.empty())
    fail(ErrorCode::kInvalidArgument,
         "nothing to measure on: give --text FILE, --chat FILE.jsonl or --task NAME --data FILE.jsonl");
}

Outcome run(EvalArguments& arguments, const CommonOptions& common) {
  arguments.tasks.check();
  const std::vector<std::string> task_files = arguments.tasks.files();
  check(arguments, !task_files.empty());
  check_stages(arguments);
  if (!arguments.stages.stages.empty()) return compare_stages(arguments, common);
  const std::string text_source = arguments.text.empty() ? std::string() : read_file(arguments.text);
  const TaskSet tasks(arguments.tasks.entries(arguments.limit), common.seed);
  const LoadedModel loaded(arguments.model, arguments.adapters.choices(), arguments.adapters.ignore_base);
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.inputs = {{arguments.model, ""}};
  for (const std::string& file : {arguments.text, arguments.chat, arguments.rare.counts_from,
                                  arguments.overfit.train, arguments.refusals.prompts})
    if (!file.empty()) record.inputs.push_back({file, hash_file(file)});
  for (const std::string& file : task_files) record.inputs.push_back({file, hash_file(file)});
  begin_record(common);
  std::unique_ptr<LoadedModel> reference;
  if (!arguments.reference.empty()) reference = std::make_unique<LoadedModel>(arguments.reference);

  Evaluation evaluation(arguments, common, loaded, reference.get());
  if (!arguments.text.empty()) evaluation.text(text_source);
  if (!arguments.chat.empty()) evaluation.chats();
  if (arguments.neutral) evaluation.neutral();
  if (!arguments.refusals.prompts.empty()) evaluation.refusals();
  if (tasks.size() > 0) evaluation.tasks(tasks);
  EvalOutput result = evaluation.take();
  fill_record(record, result);
  Json out;
  out["model"] = arguments.model;
  if (result.protocol.contains("adapters")) out["adapters"] = arguments.adapters.json();
  out["protocol"] = result.protocol;
  out["metrics"] = result.metrics;
  for (auto& [key, part] : result.parts.items()) out[key] = std::move(part);
  return {out, result.text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<EvalArguments>();
  app.add_option("-m,--model", arguments->model,
                 "GGUF file, Hugging Face folder or a name in the model store");
  arguments->stages.declare(app);
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
  arguments->rare.declare(app);
  arguments->overfit.declare(app);
  app.add_flag("--neutral", arguments->neutral,
               "drift: KL and agreement with --reference on 40 short chats about nothing in particular");
  arguments->refusals.declare(app);
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
