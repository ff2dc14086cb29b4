#include "pipeline/run_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hone {
namespace {

Measured measured(const Estimate& estimate) {
  return {.value = estimate.value,
          .stderr_ = estimate.stderr_,
          .n = estimate.n,
          .low = estimate.low,
          .high = estimate.high};
}

Measured timed(double tok_s) {
  return {.value = tok_s, .stderr_ = 0, .n = 3, .low = tok_s, .high = tok_s};
}

void fill_stage(const Measurement& m, StageResult& stage) {
  stage.metrics["answer_loss"] = measured(bootstrap_mean(m.chats.nll));
  if (!m.general.nll.empty()) stage.metrics["perplexity"] = measured(bootstrap_perplexity(m.general.nll));
  if (!m.chats.kl.empty()) {
    stage.metrics["kl"] = measured(bootstrap_mean(m.chats.kl));
    stage.metrics["top1_agreement"] = measured(bootstrap_mean(m.chats.top1));
  }
  if (!m.general.kl.empty()) {
    stage.metrics["kl_general"] = measured(bootstrap_mean(m.general.kl));
    stage.metrics["top1_agreement_general"] = measured(bootstrap_mean(m.general.top1));
  }
  if (m.prefill_tok_s > 0) stage.metrics["prefill_tok_s"] = timed(m.prefill_tok_s);
  if (m.decode_tok_s > 0) stage.metrics["decode_tok_s"] = timed(m.decode_tok_s);
}

// base - tuned per document: the mean of the difference, paired.
std::vector<DocumentScore> differences(const std::vector<DocumentScore>& base,
                                       const std::vector<DocumentScore>& tuned) {
  std::vector<DocumentScore> out(base.size());
  for (size_t i = 0; i < base.size(); ++i)
    out[i] = {.sum = base[i].sum - tuned[i].sum, .count = base[i].count};
  return out;
}

}  // namespace

void fill_metrics(std::vector<MeasuredStage>& stages, RunReport& report) {
  const MeasuredStage* tuned = nullptr;
  for (MeasuredStage& stage : stages) {
    fill_stage(stage.measurement, stage.result);
    if (stage.result.name == "tuned") tuned = &stage;
  }
  if (tuned == nullptr) return;
  const std::vector<DocumentScore>& base = stages.front().measurement.chats.nll;
  const std::vector<DocumentScore>& gained = tuned->measurement.chats.nll;
  report.tuning_gain = measured(bootstrap_mean(differences(base, gained)));
  for (size_t i = 1; i < stages.size(); ++i) {
    const std::optional<Estimate> kept = gain_kept(base, gained, stages[i].measurement.chats.nll);
    if (kept) stages[i].result.gain_kept = measured(*kept);
  }
}

std::vector<std::pair<std::string, std::string>> tuning_rows(const Recipe& recipe) {
  const TrainConfig& tune = recipe.tune;
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("method", tune.adapter.kind);
  rows.emplace_back("rank", fmt::format("{}", tune.adapter.rank));
  rows.emplace_back("alpha", fmt::format("{:g}", tune.adapter.alpha));
  rows.emplace_back("layers", tune.adapter.targets.empty()
                                  ? std::string("all linear layers")
                                  : fmt::format("{}", fmt::join(tune.adapter.targets, ", ")));
  rows.emplace_back("learning rate", fmt::format("{:g}, {}", tune.lr, tune.schedule));
  rows.emplace_back("tokens a step", fmt::format("up to {} ({} x {} rows of {})",
                                                 tune.batch * tune.accumulate * tune.max_length,
                                                 tune.accumulate, tune.batch, tune.max_length));
  if (tune.steps > 0) rows.emplace_back("steps", fmt::format("{}", tune.steps));
  if (tune.tokens > 0) rows.emplace_back("token budget", fmt::format("{}", tune.tokens));
  if (tune.steps == 0 && tune.tokens == 0)
    rows.emplace_back("epochs", fmt::format("{:g}", tune.epochs > 0 ? tune.epochs : 1.0));
  rows.emplace_back("seed", fmt::format("{}", tune.seed));
  return rows;
}

std::string perplexity_protocol(const Recipe& recipe) {
  if (recipe.eval.general.empty()) return "not measured";
  return fmt::format(
      "{} convention: windows of {} tokens{}, {}", recipe.eval.convention, recipe.eval.context,
      recipe.eval.max_windows > 0 ? fmt::format(", at most {}", recipe.eval.max_windows) : "",
      recipe.eval.convention == "paper" ? "every token but the first scored" : "second half of each scored");
}

std::vector<ExampleAnswers> example_rows(const MeasureItems& items,
                                         const std::vector<MeasuredStage>& stages) {
  std::vector<ExampleAnswers> rows;
  for (size_t i = 0; i < items.examples.size(); ++i) {
    ExampleAnswers row{.question = question_text(items.examples[i]),
                       .reference = reference_answer(items.examples[i]),
                       .answers = {}};
    for (const MeasuredStage& stage : stages) {
      if (i < stage.measurement.answers.size())
        row.answers.emplace_back(stage.result.name, stage.measurement.answers[i]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace hone
