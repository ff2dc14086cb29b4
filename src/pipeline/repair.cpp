#include "pipeline/repair.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/progress.h"
#include "pipeline/gates.h"
#include "pipeline/remedy.h"
#include "pipeline/sensitivity.h"

namespace hone {
namespace {

// "min_gain_kept of answer loss, max_task_drop of arc"
std::string missed_promises(const std::vector<GateResult>& gates) {
  std::string out;
  for (const GateResult& gate : gates)
    if (!gate.passed) out += fmt::format("{}{} of {}", out.empty() ? "" : ", ", gate.gate, gate.subject);
  return out;
}

class Repair {
 public:
  Repair(const RepairInput& input, RunReport& report)
      : in_(input), report_(report), valid_(validation_items(input.run)) {
    gates_ = in_.run.recipe.gates;
    gates_.files.clear();
    for (const StageModel& model : {in_.base, in_.tuned})
      add(measure_stage(in_.run, exam(), model), model.stage);
    const StageModel& merged = in_.products.front().model;
    add(measure_stage(in_.run, exam(), merged, &merged), merged.stage);
  }

  Repaired repair(const std::string& file) {
    const auto failed = std::find_if(in_.products.begin(), in_.products.end(),
                                     [&](const Product& p) { return p.result.name == file; });
    Repaired out{.file = file, .product = {}};
    size_t chosen = 0;
    for (const Remedy* remedy : all_remedies()) {
      if (!wanted(*remedy)) continue;
      std::optional<Product> made = first_that_passes(*remedy, *failed);
      if (!made || (out.product && out.product->result.file_bytes <= made->result.file_bytes)) continue;
      out.product = std::move(made);
      chosen = report_.repairs.size() - 1;
    }
    if (out.product) report_.repairs[chosen].chosen = true;
    return out;
  }

 private:
  Exam exam() const { return {.items = valid_, .tasks = in_.run.valid_tasks, .suffix = "-valid"}; }

  void add(StageMeasurement measured, const std::string& role) {
    MeasuredStage& stage = known_.emplace_back();
    stage.result.name = stage.result.role = role;
    stage.measurement = std::move(measured.measurement);
    stage.tasks = std::move(measured.tasks);
  }

  bool wanted(const Remedy& remedy) const {
    const std::vector<std::string>& names = in_.run.recipe.gates.remedies;
    return names.empty() || std::find(names.begin(), names.end(), remedy.name) != names.end();
  }

  std::optional<Product> first_that_passes(const Remedy& remedy, const Product& failed) {
    const RemedyInput input{.run = in_.run,
                            .merged = in_.products.front(),
                            .failed = failed,
                            .valid = valid_,
                            .sensitivity = report_.sensitivity};
    for (const MakeProduct& make : remedy.candidates(input)) {
      Product product = make();
      if (judge(remedy, failed, product)) return product;
    }
    return std::nullopt;
  }

  bool judge(const Remedy& remedy, const Product& failed, const Product& product) {
    std::vector<MeasuredStage> stages = known_;
    MeasuredStage& stage = stages.emplace_back();
    stage.result = product.result;
    StageModel model = product.model;
    model.answers = false;
    StageMeasurement measured = measure_stage(in_.run, exam(), model, &in_.products.front().model);
    stage.measurement = std::move(measured.measurement);
    stage.tasks = std::move(measured.tasks);
    RunReport scratch;
    fill_metrics(stages, valid_, scratch);
    const std::string missed = missed_promises(judge_gates(gates_, stages, in_.run.valid_tasks));
    const bool passed = missed.empty();
    const StageResult& result = stages.back().result;
    RepairAttempt& attempt = report_.repairs.emplace_back();
    attempt = {.file = failed.result.name,
               .remedy = std::string(remedy.name),
               .stage = result.name,
               .what = result.what,
               .file_bytes = result.file_bytes,
               .gain_kept = result.gain_kept,
               .kl = result.metrics.at("kl"),
               .missed = missed,
               .passed = passed,
               .chosen = false};
    say(fmt::format("repair of {}: {}: {} on the validation data", failed.result.name, result.name,
                    passed ? "keeps every promise" : "breaks " + missed));
    return passed;
  }

  const RepairInput& in_;
  RunReport& report_;
  MeasureItems valid_;
  Recipe::Gates gates_;
  std::vector<MeasuredStage> known_;  // base, tuned, merged on validation data
};

}  // namespace

std::vector<Repaired> repair_files(const RepairInput& input, const std::vector<std::string>& failed,
                                   RunReport& report) {
  Repair repair(input, report);
  std::vector<Repaired> out;
  for (const std::string& file : failed) out.push_back(repair.repair(file));
  return out;
}

}  // namespace hone
