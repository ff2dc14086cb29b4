#include "pipeline/gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/task_report.h"

namespace hone {
namespace {

struct Input {
  const std::vector<MeasuredStage>& stages;
  const TaskSet& tasks;
  const MeasuredStage& file;
};

// What a gate looks at; without a value it cannot be judged.
struct Reading {
  std::string subject;
  std::optional<Measured> value;
};

struct Gate {
  GateText text;
  std::optional<double> Recipe::Gates::*limit;
  bool at_least;
  std::vector<Reading> (*read)(const Input& input);
};

std::vector<Reading> gain_share(const Input& in) {
  return {{"answer loss", in.file.result.gain_kept}};
}

Measured relative(const Estimate& ratio) {
  Measured out = measured(ratio);
  out.value -= 1;
  out.low -= 1;
  out.high -= 1;
  return out;
}

// What the model did not need to lose: perplexity on general text, and tasks marked general, against the
// base.
std::vector<Reading> general_drop(const Input& in) {
  std::vector<Reading> out;
  const MeasuredStage& base = in.stages.front();
  if (!base.measurement.general.nll.empty())
    out.push_back(
        {"perplexity of general text", relative(bootstrap_perplexity(differences(
                                           in.file.measurement.general.nll, base.measurement.general.nll)))});
  for (size_t t = 0; t < in.tasks.size(); ++t)
    if (in.tasks.entry(t).general)
      out.push_back({in.tasks.entry(t).name, measured(task_difference(base.tasks[t], in.file.tasks[t]))});
  return out;
}

std::vector<Reading> task_drop(const Input& in) {
  std::vector<Reading> out;
  const MeasuredStage* tuned = find_stage(in.stages, "tuned");
  if (tuned == nullptr) return out;
  for (size_t t = 0; t < in.tasks.size(); ++t)
    if (!in.tasks.entry(t).general)
      out.push_back({in.tasks.entry(t).name, measured(task_difference(tuned->tasks[t], in.file.tasks[t]))});
  return out;
}

std::vector<Reading> divergence(const Input& in) {
  const Scores& scores = in.file.measurement.chats;
  if (scores.kl.empty()) return {{"held-out answers", {}}};
  return {{"held-out answers", measured(bootstrap_mean(scores.kl))}};
}

constexpr Gate kGates[] = {
    {{"min_gain_kept", "least share of the gain by tuning, in answer loss, that a file keeps"},
     &Recipe::Gates::min_gain_kept,
     true,
     gain_share},
    {{"max_general_drop",
      "most that a file may be worse than the base on general text (relative rise of perplexity) and on "
      "tasks marked general (the task's first metric)"},
     &Recipe::Gates::max_general_drop,
     false,
     general_drop},
    {{"max_task_drop", "most that a file may lose of the tuned model's first metric on any other task"},
     &Recipe::Gates::max_task_drop,
     false,
     task_drop},
    {{"max_kl", "largest mean KL divergence from the merged model on the held-out answers, nats"},
     &Recipe::Gates::max_kl,
     false,
     divergence},
};

GateResult judge(const Gate& gate, const Reading& reading, double limit, bool strict,
                 const std::string& stage) {
  GateResult out{.gate = std::string(gate.text.name),
                 .stage = stage,
                 .subject = reading.subject,
                 .value = reading.value.value_or(Measured{.value = std::nan("")}),
                 .limit = limit,
                 .at_least = gate.at_least,
                 .passed = false,
                 .verdict = "unknown",
                 .repaired_by = {}};
  if (!reading.value || !std::isfinite(reading.value->value)) return out;
  const auto good = [&](double value) { return gate.at_least ? value >= limit : value <= limit; };
  const Measured& m = *reading.value;
  const bool low = good(m.low), high = good(m.high);
  out.verdict = low && high ? "met" : !low && !high ? "missed" : "unclear";
  out.passed = strict ? low && high : good(m.value);
  return out;
}

bool is_for(const Recipe::Gates& gates, const StageResult& stage) {
  if (stage.role != "file") return false;
  return gates.files.empty() ||
         std::find(gates.files.begin(), gates.files.end(), stage.name) != gates.files.end();
}

}  // namespace

std::vector<GateText> gate_texts() {
  std::vector<GateText> out;
  for (const Gate& gate : kGates) out.push_back(gate.text);
  return out;
}

std::vector<GateResult> judge_gates(const Recipe::Gates& gates, const std::vector<MeasuredStage>& stages,
                                    const TaskSet& tasks) {
  std::vector<GateResult> out;
  for (const MeasuredStage& stage : stages) {
    if (!is_for(gates, stage.result)) continue;
    for (const Gate& gate : kGates) {
      const std::optional<double>& limit = gates.*gate.limit;
      if (!limit) continue;
      for (const Reading& reading : gate.read({stages, tasks, stage}))
        out.push_back(judge(gate, reading, *limit, gates.strict, stage.result.name));
    }
  }
  return out;
}

bool is_broken(const GateResult& result) {
  return !result.passed && result.repaired_by.empty();
}

bool all_passed(const std::vector<GateResult>& results) {
  return std::all_of(results.begin(), results.end(), [](const GateResult& r) { return r.passed; });
}

std::string gate_text(const GateResult& r) {
  const std::string got =
      std::isfinite(r.value.value)
          ? fmt::format("{:.4g} (95 % interval {:.4g} to {:.4g})", r.value.value, r.value.low, r.value.high)
          : "no value: the gain itself cannot be told from zero";
  return fmt::format(
      "{}: {} of {}: got {}, expected {} {:g}{}", r.stage, r.gate, r.subject, got,
      r.at_least ? "at least" : "at most", r.limit,
      r.verdict == "unclear" ? "; the interval holds the limit: more test data would decide" : "");
}

}  // namespace hone
