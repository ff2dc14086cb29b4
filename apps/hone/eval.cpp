// hone eval: what a model is worth on text and chats, alone or against a reference.
#include <fmt/format.h>

#include <algorithm>

#include "adapter_option.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "command.h"
#include "eval/divergence.h"
#include "eval_rare.h"
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
  RareOptions rare;
  TaskOptions tasks;
};

// What a set of items gave: sums, and the tokens where something needs them.
struct Scored {
  Scores sums;
  TokenScores tokens;
};

// The models of one call, and what they are measured on.
class Evaluation {
 public:
  Evaluation(const Arguments& arguments, const CommonOptions& common, const LoadedModel& loaded,
             const LoadedModel* reference)
      : arguments_(arguments),
        seed_(common.seed),
        loaded_(loaded),
        reference_(reference == nullptr ? nullptr : &reference->model()),
        candidate_{.model = &loaded.model(),
                   .compute = common.precise ? ComputeMode::kPrecise : ComputeMode::kFast} {
    if (!arguments.cache_type.empty()) candidate_.cache_type = kv_format_named(arguments.cache_type);
    const char* compute = compute_mode_name(candidate_.compute);
    out_.text = fmt::format("{}, compute {}\n", arguments.model, compute);
    out_.protocol = {{"compute", compute}};
    if (candidate_.cache_type) out_.protocol["cache_type"] = kv_format_name(*candidate_.cache_type);
    if (arguments.rare.counts_from.empty()) return;
    counts_ = counts_of_file(arguments.rare.counts_from, loaded);
  }

  void text(const std::string& source) {
    const bool paper = arguments_.convention == "paper";
    const auto items = perplexity_items(
        loaded_.tokenizer(), source, paper ? PerplexityConvention::kPaper : PerplexityConvention::kLlamaCpp,
        arguments_.context, arguments_.max_windows);
    const Scored scored = score_items(items, "text");
    out_.add("perplexity", bootstrap_perplexity(scored.sums.nll, seed_),
             fmt::format("{} convention, context {}, {} windows", arguments_.convention, arguments_.context,
                         items.size()));
    out_.add("bits_per_byte",
             bootstrap_mean(bits_by_byte(scored.sums.nll, items, loaded_.tokenizer()), seed_),
             "of the scored tokens' text");
    add_divergence("", scored);
    if (arguments_.rare.on)
      add_rare(
          "text", scored.tokens, [&] { return count_tokens(loaded_.tokenizer(), source); },
          arguments_.text + " (the evaluated text)");
    out_.protocol["convention"] = arguments_.convention;
    out_.protocol["context"] = arguments_.context;
    out_.protocol["windows"] = items.size();
    out_.protocol["text"] = arguments_.text;
  }

  void chats() {
    const Dataset chats = read(arguments_.chat);
    const Scored scored = score_items(chat_items(chats), "answers");
    out_.add("answer_loss", bootstrap_mean(scored.sums.nll, seed_),
             fmt::format("nats per token over {} answers", chats.samples.size()));
    add_divergence(arguments_.text.empty() ? "" : "_chat", scored);
    if (arguments_.rare.on)
      add_rare(
          "chat", scored.tokens, [&] { return count_tokens(loaded_.tokenizer(), chats); },
          arguments_.chat + " (the evaluated answers)");
    out_.protocol["chats"] = chats.samples.size();
    out_.protocol["chat"] = arguments_.chat;
  }

  void tasks(const TaskSets& sets, const LoadedModel* reference) {
    const TaskSets::Side model{loaded_, candidate_};
    std::optional<TaskSets::Side> other;
    if (reference != nullptr)
      other.emplace(TaskSets::Side{*reference, {.model = reference_, .compute = ComputeMode::kPrecise}});
    sets.run(model, other ? &*other : nullptr, seed_, out_.parts, out_.metrics, out_.text);
    for (const Json& task : out_.parts["tasks"]) out_.protocol["tasks"].push_back(task.at("protocol"));
  }

  EvalOutput take() {
    if (reference_ != nullptr) out_.protocol["reference"] = arguments_.reference + ", precise (f32)";
    if (!arguments_.adapters.texts.empty()) out_.protocol["adapters"] = arguments_.adapters.json();
    return std::move(out_);
  }

 private:
  Dataset read(const std::string& path) const {
    const size_t max_length = std::min(arguments_.max_length, loaded_.model().config().context_length);
    return load_dataset(path, loaded_.codec(), max_length, arguments_.limit);
  }

  Scored score_items(const std::vector<ScoreItem>& items, const std::string& label) const {
    Scored out;
    TokenSink sink;
    if (reference_ != nullptr || arguments_.rare.on)
      sink = [&](size_t, const TokenScore& token) { out.tokens.tokens.push_back(token); };
    out.sums = std::move(score({candidate_}, reference_, items, label, sink)[0]);
    out.tokens.n_documents = out.sums.nll.size();
    out.tokens.compared = reference_ != nullptr;
    return out;
  }

  void add_divergence(const std::string& suffix, const Scored& scored) {
    if (reference_ == nullptr) return;
    const Divergence d = divergence(scored.tokens, seed_);
    out_.add("kl" + suffix, bootstrap_mean(scored.sums.kl, seed_), "nats to the reference, f32");
    out_.text += fmt::format("  {:<24} median {:.4f}, 90 % {:.4f}, 99 % {:.4f}, largest {:.4f}\n", "",
                             d.kl_median, d.kl_p90, d.kl_p99, d.kl_max);
    out_.metrics["kl" + suffix]["percentiles"] = {
        {"50", d.kl_median}, {"90", d.kl_p90}, {"99", d.kl_p99}, {"100", d.kl_max}};
    out_.add("js" + suffix, d.js, "Jensen-Shannon divergence, nats");
    out_.add("top1_agreement" + suffix, bootstrap_mean(scored.sums.top1, seed_), "share of tokens");
    out_.add("top5_agreement" + suffix, d.top5, "share of the reference's five in the model's five");
    out_.add("delta_p" + suffix, d.delta_p, "mean change of p(right token)");
    out_.add("delta_p_rms" + suffix, d.delta_p_rms, "root mean square of that change");
  }

  template <typename Count>
  void add_rare(const std::string& key, const TokenScores& tokens, Count own_counts,
                const std::string& own_source) {
    if (counts_)
      add_buckets(out_, key, tokens, *counts_, arguments_.rare.counts_from, seed_);
    else
      add_buckets(out_, key, tokens, own_counts(), own_source, seed_);
    out_.protocol["rare"] = "tokens in buckets of 0, 1-9, 10-99, … occurrences";
    out_.protocol["rare_counts_from"] = counts_ ? arguments_.rare.counts_from : "the evaluated file";
  }

  const Arguments& arguments_;
  uint64_t seed_;
  const LoadedModel& loaded_;
  const Model* reference_;
  Candidate candidate_;
  std::optional<TokenCounts> counts_;  // of --counts-from
  EvalOutput out_;
};

void fill_record(RunRecord& record, const EvalOutput& out) {
  record.recipe = settings_text(out.protocol);
  for (const auto& [name, metric] : out.metrics.items())
    record.metrics.push_back({.stage = "eval",
                              .name = name,
                              .value = metric.at("value").get<double>(),
                              .low = metric.at("low").get<double>(),
                              .high = metric.at("high").get<double>()});
}

Outcome run(const Arguments& arguments, const CommonOptions& common) {
  const std::vector<std::string> task_files = arguments.tasks.files();
  if (arguments.text.empty() && arguments.chat.empty() && task_files.empty())
    fail(ErrorCode::kInvalidArgument,
         "nothing to measure on: give --text FILE, --chat FILE.jsonl or --task NAME --data FILE.jsonl");
  arguments.rare.check();
  const std::string text_source = arguments.text.empty() ? std::string() : read_file(arguments.text);
  const TaskSets tasks(arguments.tasks, arguments.limit);
  const LoadedModel loaded(arguments.model, arguments.adapters.choices(), arguments.adapters.ignore_base);
  RunRecord& record = common.entry->record();
  record.model = arguments.model;
  record.inputs = {{arguments.model, ""}};
  for (const std::string& file : {arguments.text, arguments.chat, arguments.rare.counts_from})
    if (!file.empty()) record.inputs.push_back({file, hash_file(file)});
  for (const std::string& file : task_files) record.inputs.push_back({file, hash_file(file)});
  begin_record(common);
  std::unique_ptr<LoadedModel> reference;
  if (!arguments.reference.empty()) reference = std::make_unique<LoadedModel>(arguments.reference);

  Evaluation evaluation(arguments, common, loaded, reference.get());
  if (!arguments.text.empty()) evaluation.text(text_source);
  if (!arguments.chat.empty()) evaluation.chats();
  if (!tasks.empty()) evaluation.tasks(tasks, reference.get());
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
  arguments->rare.declare(app);
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
