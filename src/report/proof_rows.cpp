#include "report/proof_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/stages.h"
#include "report/text.h"

namespace hone::layout {
namespace {

std::string signed_number(double value, int decimals) {
  return (value > 0 ? "+" : "") + format_fixed(value, decimals);
}

std::string with_interval(const Measured& m, double scale, bool sign) {
  const MeasuredText text = format_measured(m, scale);
  const std::string value = sign && m.value > 0 ? "+" + text.value : text.value;
  return text.range.empty() ? value : fmt::format("{} ({})", value, text.range);
}

std::string share(const Measured& m) {
  const int decimals = share_decimals(m);
  return fmt::format("{} ({} to {})", format_percent(m.value, decimals), format_fixed(m.low * 100, decimals),
                     format_percent(m.high, decimals));
}

std::vector<std::string> change_row(const std::string& stage, const std::string& value,
                                    const TaskChange& change) {
  return {stage,
          value,
          single_line(change.against),
          format_change(change.difference),
          format_count(change.to_wrong),
          format_count(change.to_right),
          format_p(change.p),
          format_p(change.p_holm),
          change.gain_kept ? share(*change.gain_kept) : std::string(kAbsent)};
}

std::string verdict_words(const GateResult& gate) {
  if (gate.verdict == "unknown") return "missed: the gain itself cannot be told from zero";
  const std::string words = gate.passed ? "met"
                            : gate.repaired_by.empty()
                                ? "missed"
                                : "missed, repaired by " + single_line(gate.repaired_by);
  return gate.verdict == "unclear" ? words + ", but the interval holds the limit" : words;
}

}  // namespace

std::string format_p(double p) {
  return p < 0.001 ? "< 0.001" : format_number(p, 2);
}

std::string format_change(const Measured& difference) {
  return with_interval(difference, 100, true);
}

std::string part_name(const std::string& part) {
  if (part == "merge") return "merging the adapter";
  if (part == "rounding") return "rounding the weights";
  if (part == "arithmetic") return "arithmetic as served, against f32";
  if (part == "cache") return "keys and values cached in f16";
  return single_line(part);
}

std::string task_heading(const TaskTable& table) {
  return fmt::format(
      "{}{}", single_line(table.name == table.title ? table.name : table.title + " (" + table.name + ")"),
      table.general ? ", not what was tuned for" : "");
}

TextRows task_rows(const RunReport& report, const TaskTable& table) {
  TextRows rows = {{"Stage", table.metric, "Against", "Change, points (95\u00A0% interval)", "To wrong",
                    "To right", "McNemar\u2019s p", "p for all tests", "Gain kept", "Calibration error"}};
  for (const StageResult& stage : report.stages) {
    const Measured* value = finite_metric(stage, table.name + "." + table.metric);
    if (value == nullptr) continue;
    const MeasuredText text = format_measured(*value, 100);
    const std::string shown = text.value + "\u00A0%" + (text.error.empty() ? "" : " \u00B1 " + text.error);
    const Measured* ece = finite_metric(stage, table.name + ".ece");
    const std::string calibration = ece == nullptr ? std::string(kAbsent) : format_number(ece->value, 2);
    bool compared = false;
    for (const TaskChange& change : table.changes) {
      if (change.stage != stage.name) continue;
      rows.push_back(change_row(single_line(stage.name), shown, change));
      rows.back().push_back(calibration);
      compared = true;
    }
    if (compared) continue;
    rows.push_back({single_line(stage.name), shown});
    rows.back().resize(rows[0].size() - 1, std::string(kAbsent));
    rows.back().push_back(calibration);
  }
  return rows;
}

TextRows category_rows(const TaskTable& table) {
  TextRows rows;
  for (const CategoryValue& value : table.categories) {
    if (rows.empty()) rows.push_back({"Category", "Items"});
    if (rows.size() == 1 || rows.back()[0] != single_line(value.category))
      rows.push_back({single_line(value.category), format_count(value.value.n)});
    if (rows.size() == 2) rows[0].push_back(single_line(value.stage));
    const MeasuredText text = format_measured(value.value, 100);
    rows.back().push_back(text.value + "\u00A0%" + (text.error.empty() ? "" : " \u00B1 " + text.error));
  }
  return rows;
}

TextRows part_rows(const RunReport& report) {
  TextRows rows = {
      {"Stage", "Step", "Adds to answer loss (95\u00A0% interval)", "Adds to KL", "Share of the gain"}};
  const double gain = report.tuning_gain && report.tuning_gain->low > 0 ? report.tuning_gain->value : 0;
  for (const LossPart& part : report.loss_parts)
    rows.push_back(
        {single_line(part.stage), part_name(part.part), with_interval(part.loss, 1, true),
         part.kl ? with_interval(*part.kl, 1, true) : std::string(kAbsent),
         gain > 0 ? signed_number(-100 * part.loss.value / gain, 1) + "\u00A0%" : std::string(kAbsent)});
  return rows;
}

TextRows gate_rows(const RunReport& report) {
  TextRows rows = {{"Promise", "File", "Measured on", "Value (95\u00A0% interval)", "Limit", "Verdict"}};
  for (const GateResult& gate : report.gates)
    rows.push_back(
        {single_line(gate.gate), single_line(gate.stage), single_line(gate.subject),
         std::isfinite(gate.value.value) ? with_interval(gate.value, 1, false) : std::string(kAbsent),
         fmt::format("{} {}", gate.at_least ? "\u2265" : "\u2264", format_trimmed(gate.limit)),
         verdict_words(gate)});
  return rows;
}

namespace {

// For files that no remedy repaired, what came nearest on the validation data.
std::string best_found(const RunReport& report) {
  std::string out;
  for (size_t i = 0; i < report.repairs.size(); ++i) {
    const std::string& file = report.repairs[i].file;
    if (i > 0 && report.repairs[i - 1].file == file) continue;
    const RepairAttempt* best = nullptr;
    bool passed = false;
    for (const RepairAttempt& attempt : report.repairs) {
      if (attempt.file != file) continue;
      passed = passed || attempt.passed;
      if (attempt.kl && (best == nullptr || attempt.kl->value < best->kl->value)) best = &attempt;
    }
    if (passed || best == nullptr) continue;
    out += fmt::format(" No remedy for {} keeps every promise; the nearest is {}, KL {}{}.",
                       single_line(file), single_line(best->stage), format_number(best->kl->value, 3),
                       best->gain_kept ? ", gain kept " + share(*best->gain_kept) : "");
  }
  return out;
}

}  // namespace

std::string gates_sentence(const RunReport& report) {
  if (report.gates.empty()) return "";
  size_t missed = 0;
  std::string broken, repaired;
  const auto list = [](std::string& to, const std::string& text) {
    if (to.find(text) == std::string::npos) to += (to.empty() ? "" : ", ") + text;
  };
  for (const GateResult& gate : report.gates) {
    if (gate.passed) continue;
    ++missed;
    if (gate.repaired_by.empty())
      list(broken, fmt::format("{} ({})", single_line(gate.stage), single_line(gate.gate)));
    else
      list(repaired,
           fmt::format("{} in place of {}", single_line(gate.repaired_by), single_line(gate.stage)));
  }
  if (missed == 0) return "Every promise of the recipe is kept.";
  std::string text = fmt::format("{} of {} promises of the recipe are not kept", missed, report.gates.size());
  if (!broken.empty()) text += ": " + broken;
  text += ".";
  text += best_found(report);
  if (!repaired.empty()) text += " What keeps them all: " + repaired + ".";
  return text;
}

TextRows repair_rows(const RunReport& report) {
  TextRows rows = {
      {"For", "Remedy", "File", "Size", "Gain kept (validation)", "KL (validation)", "Keeps every promise"}};
  for (const RepairAttempt& attempt : report.repairs)
    rows.push_back({single_line(attempt.file), single_line(attempt.remedy),
                    single_line(attempt.stage + ": " + attempt.what), format_bytes(attempt.file_bytes),
                    attempt.gain_kept ? share(*attempt.gain_kept) : std::string(kAbsent),
                    attempt.kl ? with_interval(*attempt.kl, 1, false) : std::string(kAbsent),
                    attempt.chosen           ? "yes, and is the smallest"
                    : attempt.passed         ? "yes"
                    : attempt.missed.empty() ? "no"
                                             : "no: " + single_line(attempt.missed)});
  return rows;
}

}  // namespace hone::layout
