#include "pipeline/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "pipeline/findings.h"
#include "pipeline/gates.h"
#include "pipeline/machine.h"
#include "pipeline/products.h"
#include "pipeline/repair.h"
#include "pipeline/risks.h"
#include "pipeline/rival.h"
#include "pipeline/run_context.h"
#include "pipeline/run_report.h"
#include "pipeline/sensitivity.h"
#include "pipeline/task_report.h"
#include "pipeline/train_stage.h"
#include "report/report.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class Run {
 public:
  Run(const Recipe& recipe, const RunOptions& options) : run_(recipe, options) {}

  RunOutcome run() {
    run_.prepare();
    measure_base();
    for (RivalStage& rival : measure_rivals(run_))
      add_stage(std::move(rival.result), std::move(rival.measured));
    tune();
    measure_tuned();
    products_.push_back(merge_product(run_, trained_.hash));
    for (const std::string& format : run_.recipe.quantize_to)
      products_.push_back(quantize_product(run_, products_.front(), format));
    measure_files();
    measure_sensitivity();
    repair();
    return finish();
  }

 private:
  void add_stage(StageResult result, StageMeasurement measured) {
    const bool both = measured.cached && result.status != "done";
    result.status = both ? "cached" : "done";
    result.seconds += measured.measurement.seconds;
    for (const TaskMeasurement& task : measured.tasks) result.seconds += task.seconds;
    if (both) say(fmt::format("{}: cached", result.name));
    stages_.push_back({.result = std::move(result),
                       .measurement = std::move(measured.measurement),
                       .tasks = std::move(measured.tasks),
                       .parts = std::move(measured.parts)});
  }

  Exam exam() const {
    return {.items = run_.items, .tasks = run_.tasks, .suffix = {}, .breakdown = run_.recipe.eval.breakdown};
  }

  StageModel base_model() const {
    return {.stage = "base",
            .model = run_.opened.path.string(),
            .adapter = {},
            .model_hash = run_.base_hash,
            .adapter_hash = {},
            .bytes = run_.opened.source->file_bytes(),
            .answers = true};
  }

  void measure_base() {
    const StageModel base = base_model();
    StageResult result;
    result.name = result.role = "base";
    result.status = "cached";
    result.what = "the model as it came";
    result.file_bytes = base.bytes;
    result.bits_per_weight = BitsPerWeight(*run_.opened.source).value();
    add_stage(std::move(result), measure_stage(run_, exam(), base));
  }

  void tune() {
    TrainConfig config = run_.recipe.tune;
    config.precise = run_.options.precise;
    config.restart = run_.options.restart;
    const BaseInfo info{.name = run_.recipe.base, .fingerprint = run_.base_fingerprint};
    const TrainData data{.train = run_.train, .valid = run_.recipe.valid.empty() ? nullptr : &run_.valid};
    std::unique_ptr<LoadedModel> base;
    trained_ = train_stage(
        run_.store, "tune", "adapter",
        [&]() -> Model& {
          base = std::make_unique<LoadedModel>(run_.opened.path.string());
          return base->model();
        },
        data, info, config);
    if (trained_.cached) say("tune: cached");
    peak_rss_ = std::max(peak_rss_, trained_.peak_rss_bytes);
    report_.train_tokens = run_.trained_tokens = trained_.tokens;
    report_.train_tok_s = trained_.tok_s;
    report_.trainable_parameters = trained_.trainable_parameters;
    report_.loss_curve = trained_.curve;
  }

  void measure_tuned() {
    const StageModel tuned = tuned_model();
    StageResult result;
    result.name = result.role = "tuned";
    result.status = trained_.cached ? "cached" : "done";
    result.file = "adapter";
    result.what = fmt::format("{} adapter on the base, not merged", run_.recipe.tune.adapter.kind);
    result.file_bytes = tuned.bytes;
    const BitsPerWeight base(*run_.opened.source);
    result.bits_per_weight =
        8.0 * static_cast<double>(base.bytes + trained_.file_bytes) / static_cast<double>(base.elements);
    result.seconds = trained_.seconds;
    add_stage(std::move(result), measure_stage(run_, exam(), tuned));
  }

  StageModel tuned_model() const {
    StageModel tuned = base_model();
    tuned.stage = "tuned";
    tuned.adapter = run_.folder() / "adapter";
    tuned.adapter_hash = trained_.hash;
    tuned.bytes += trained_.file_bytes;
    return tuned;
  }

  std::vector<GateResult> judge() {
    RunReport scratch;
    fill_metrics(stages_, run_.items, scratch);
    return judge_gates(run_.recipe.gates, stages_, run_.tasks);
  }

  // What stands in for a file that broke a promise is chosen on validation data, and measured here.
  void repair() {
    if (!run_.recipe.gates.repair) return;
    std::vector<std::string> failed;
    for (const GateResult& gate : judge())
      if (!gate.passed && (failed.empty() || failed.back() != gate.stage)) failed.push_back(gate.stage);
    if (failed.empty()) return;
    repaired_ = repair_files(
        {.run = run_, .base = base_model(), .tuned = tuned_model(), .products = products_}, failed, report_);
    for (const Repaired& repaired : repaired_) {
      if (!repaired.product || find_stage_named(repaired.product->result.name)) continue;
      add_stage(repaired.product->result,
                measure_stage(run_, exam(), repaired.product->model, &products_.front().model));
    }
  }

  bool find_stage_named(const std::string& name) const {
    return std::any_of(stages_.begin(), stages_.end(),
                       [&](const MeasuredStage& stage) { return stage.result.name == name; });
  }

  // Promises of the files, and of what stands in for them.
  void judge_files() {
    Recipe::Gates gates = run_.recipe.gates;
    if (gates.files.empty()) gates.files = run_.recipe.quantize_to;
    for (const Repaired& repaired : repaired_)
      if (repaired.product) gates.files.push_back(repaired.product->result.name);
    report_.gates = judge_gates(gates, stages_, run_.tasks);
    const auto keeps_all = [&](const std::string& stage) {
      return std::all_of(report_.gates.begin(), report_.gates.end(),
                         [&](const GateResult& gate) { return gate.stage != stage || gate.passed; });
    };
    for (GateResult& gate : report_.gates)
      for (const Repaired& repaired : repaired_)
        if (!gate.passed && gate.stage == repaired.file && repaired.product &&
            keeps_all(repaired.product->result.name))
          gate.repaired_by = repaired.product->result.name;
  }

  // Against the merged model in f32.
  void measure_files() {
    std::vector<StageModel> models;
    for (const Product& product : products_) models.push_back(product.model);
    std::vector<StageMeasurement> measured = measure_stages(run_, exam(), models, &models.front());
    for (size_t i = 0; i < products_.size(); ++i) add_stage(products_[i].result, std::move(measured[i]));
  }

  void measure_sensitivity() {
    const Recipe& recipe = run_.recipe;
    if (recipe.eval.sensitivity.empty()) return;
    const MeasureItems items = recipe.valid.empty() ? run_.items : validation_items(run_);
    for (const std::string& format : recipe.eval.sensitivity)
      for (const Product& file : products_) {
        if (file.result.name != format) continue;
        const std::vector<GroupSensitivity> groups = sensitivity_of(run_, items, products_.front(), file);
        report_.sensitivity.insert(report_.sensitivity.end(), groups.begin(), groups.end());
      }
  }

  void describe() {
    const Recipe& recipe = run_.recipe;
    report_.name = recipe.name;
    report_.date = now_text();
    report_.hone_version = run_.options.hone_version;
    report_.base_model = recipe.base;
    report_.base_fingerprint = run_.base_fingerprint;
    report_.recipe_path = recipe.path.string();
    report_.recipe_text = recipe.text;
    report_.machine = machine_description(thread_pool().size());
    report_.command = run_.options.command;
    report_.compute_mode = compute_mode_name(run_.compute);
    report_.perplexity_protocol = perplexity_protocol(recipe);
    report_.kl_reference = fmt::format(
        "the tuned model before quantization (merged {}), forward in f32, on the held-out answers",
        recipe.merge_format);
    report_.dataset_note = fmt::format(
        "{} training chats ({} tokens, {} of them learned), {} held-out chats. {}", run_.train.samples.size(),
        run_.train.n_tokens, run_.train.n_supervised, run_.items.n_chats, recipe.data_note);
    report_.tuning = tuning_rows(recipe);
    report_.notes = run_.notes;
  }

  RunOutcome finish() {
    describe();
    fill_metrics(stages_, run_.items, report_);
    fill_tasks(stages_, run_.tasks, report_);
    report_.examples = example_rows(run_.items, stages_);
    for (const MeasuredStage& stage : stages_) report_.stages.push_back(stage.result);
    report_.loss_parts = loss_parts(stages_);
    report_.rarity = rarity_rows(stages_);
    if (run_.recipe.eval.risks) report_.risks = measure_risks(run_, base_model(), tuned_model());
    judge_files();
    report_.total_seconds = run_.store.seconds();
    report_.cost = cost_of(run_.recipe.cost, report_.total_seconds);
    report_.findings = find_conclusions(report_);
    report_.peak_rss_bytes = std::max(peak_rss_, peak_rss_bytes());
    add_next_commands();
    RunOutcome outcome{.report = std::move(report_),
                       .folder = run_.folder(),
                       .html = run_.folder() / "report.html",
                       .markdown = run_.folder() / "report.md",
                       .json = run_.folder() / "report.json",
                       .card = run_.folder() / "README.md"};
    write_file(outcome.html, render_html(outcome.report));
    write_file(outcome.card, render_card(outcome.report, run_.recipe.card));
    write_file(outcome.markdown, render_markdown(outcome.report));
    write_file(outcome.json,
               to_json(outcome.report).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    return outcome;
  }

  void add_next_commands() {
    const std::string& smallest = products_[products_.size() > 1 ? 1 : 0].model.model;
    const MeasureItems& items = run_.items;
    std::string question = items.examples.empty() ? "Hello" : question_text(items.examples[0]);
    std::replace(question.begin(), question.end(), '\'', ' ');
    std::replace(question.begin(), question.end(), '\n', ' ');
    report_.next_commands = {
        fmt::format("hone generate --model {} --prompt '{}'", smallest, question),
        fmt::format("hone eval --model {} --reference {} --chat {}", smallest, products_[0].model.model,
                    run_.recipe.test.string()),
        fmt::format("hone inspect {}", smallest),
    };
  }

  RunContext run_;
  TrainedAdapter trained_;
  uint64_t peak_rss_ = 0;
  std::vector<Product> products_;  // merged first
  std::vector<MeasuredStage> stages_;
  std::vector<Repaired> repaired_;
  RunReport report_;
};

}  // namespace

RunOutcome run_recipe(const Recipe& recipe, const RunOptions& options) {
  return Run(recipe, options).run();
}

}  // namespace hone
