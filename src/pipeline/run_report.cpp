#include "pipeline/run_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hone {

Measured measured(const Estimate& estimate) {
  return {.value = estimate.value,
          .stderr_ = estimate.stderr_,
          .n = estimate.n,
          .low = estimate.low,
          .high = estimate.high};
}

const MeasuredStage* find_stage(const std::vector<MeasuredStage>& stages, std::string_view role) {
  for (const MeasuredStage& stage : stages)
    if (stage.result.role == role) return &stage;
  return nullptr;
}

const MeasuredStage* stage_before(const std::vector<MeasuredStage>& stages, const MeasuredStage& stage) {
  const std::string& role = stage.result.role;
  if (role == "tuned" || role == "rival") return find_stage(stages, "base");
  if (role == "merged") return find_stage(stages, "tuned");
  if (role != "file") return nullptr;
  for (const char* from : {"merged", "tuned", "base"})
    if (const MeasuredStage* found = find_stage(stages, from)) return found;
  return nullptr;
}

std::vector<DocumentScore> differences(const std::vector<DocumentScore>& a,
                                       const std::vector<DocumentScore>& b) {
  std::vector<DocumentScore> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = {.sum = a[i].sum - b[i].sum, .count = a[i].count};
  return out;
}

namespace {

Measured timed(double tok_s) {
  return {.value = tok_s, .stderr_ = 0, .n = 3, .low = tok_s, .high = tok_s};
}

void fill_stage(const Measurement& m, StageResult& stage) {
  if (!m.chats.nll.empty()) stage.metrics["answer_loss"] = measured(bootstrap_mean(m.chats.nll));
  if (!m.general.nll.empty()) stage.metrics["perplexity"] = measured(bootstrap_perplexity(m.general.nll));
  if (!m.chats.kl.empty()) {
    stage.metrics["kl"] = measured(bootstrap_mean(m.chats.kl));
    stage.metrics["top1_agreement"] = measured(bootstrap_mean(m.chats.top1));
  }
  if (!m.general.kl.empty()) {
    stage.metrics["kl_general"] = measured(bootstrap_mean(m.general.kl));
    stage.metrics["top1_agreement_general"] = measured(bootstrap_mean(m.general.top1));
  }
  if (m.timing.prefill_tok_s > 0) stage.metrics["prefill_tok_s"] = timed(m.timing.prefill_tok_s);
  if (m.timing.decode_tok_s > 0) stage.metrics["decode_tok_s"] = timed(m.timing.decode_tok_s);
  if (m.timing.latency.first > 0) stage.metrics["first_text_ms"] = timed(m.timing.latency.first);
  if (m.timing.latency.median > 0) {
    stage.metrics["text_ms_p50"] = timed(m.timing.latency.median);
    stage.metrics["text_ms_p95"] = timed(m.timing.latency.p95);
  }
  if (m.memory_bytes > 0)
    stage.metrics["memory_bytes"] = {.value = static_cast<double>(m.memory_bytes), .n = 1};
  if (m.timing.latency.joules) stage.metrics["joules_per_token"] = timed(*m.timing.latency.joules);
}

// Seven digits are far below any interval, and keep the report small.
double rounded(double value) {
  return std::stod(fmt::format("{:.7g}", value));
}

void add_sums(const std::vector<DocumentScore>& documents, const char* metric, const char* data,
              StageResult& stage) {
  if (documents.empty()) return;
  DocumentSums& sums = stage.sums[metric];
  sums.data = data;
  for (const DocumentScore& d : documents) sums.values.push_back(rounded(d.sum));
}

void fill_sums(const Measurement& m, StageResult& stage) {
  add_sums(m.chats.nll, "answer_loss", "answers", stage);
  add_sums(m.chats.kl, "kl", "answers", stage);
  add_sums(m.chats.top1, "top1_agreement", "answers", stage);
  add_sums(m.general.nll, "perplexity", "general", stage);
}

TestData test_data(const std::vector<ScoreItem>& items, const std::vector<DocumentScore>& documents) {
  TestData data{.hash = items_hash(items), .counts = {}};
  for (const DocumentScore& d : documents) data.counts.push_back(d.count);
  return data;
}

}  // namespace

void fill_metrics(std::vector<MeasuredStage>& stages, const MeasureItems& items, RunReport& report) {
  if (!items.chats.empty())
    report.test_data["answers"] = test_data(items.chats, stages.front().measurement.chats.nll);
  if (!items.general.empty())
    report.test_data["general"] = test_data(items.general, stages.front().measurement.general.nll);
  for (MeasuredStage& stage : stages) {
    fill_stage(stage.measurement, stage.result);
    fill_sums(stage.measurement, stage.result);
  }
  const MeasuredStage *tuned = find_stage(stages, "tuned"), *start = find_stage(stages, "base");
  if (tuned == nullptr || start == nullptr) return;
  const std::vector<DocumentScore>& base = start->measurement.chats.nll;
  const std::vector<DocumentScore>& gained = tuned->measurement.chats.nll;
  if (!base.empty()) report.tuning_gain = measured(bootstrap_mean(differences(base, gained)));
  const std::vector<DocumentScore>& general = start->measurement.general.nll;
  if (!general.empty())
    report.general_change =
        measured(bootstrap_perplexity(differences(tuned->measurement.general.nll, general)));
  for (MeasuredStage& stage : stages) {
    const std::vector<DocumentScore>& nll = stage.measurement.chats.nll;
    if (&stage == start || nll.empty()) continue;  // another model may have other tokens
    if (const std::optional<Estimate> kept = gain_kept(base, gained, nll))
      stage.result.gain_kept = measured(*kept);
    if (stage.result.role == "rival")
      report.rivals.push_back({stage.result.name, measured(bootstrap_mean(differences(nll, gained)))});
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

std::optional<RunCost> cost_of(const Recipe::Cost& cost, double seconds) {
  if (cost.currency.empty()) return std::nullopt;
  return RunCost{
      .currency = cost.currency, .hourly = cost.hourly(), .amount = cost.hourly() * seconds / 3600};
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
