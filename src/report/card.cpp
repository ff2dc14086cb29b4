#include "report/card.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/markdown_parts.h"
#include "report/report.h"
#include "report/stages.h"
#include "report/summary.h"
#include "report/text.h"

namespace hone {
namespace {

// As a YAML scalar: JSON's strings are YAML's.
std::string yaml(const std::string& text) {
  return nlohmann::json(single_line(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string metric_entry(const std::string& task, const std::string& dataset, const std::string& metric,
                         double value) {
  return fmt::format(
      "  - task:\n      type: text-generation\n      name: {}\n    dataset:\n      name: {}\n      type: "
      "custom\n"
      "    metrics:\n    - type: {}\n      value: {}\n",
      yaml(task), yaml(dataset), yaml(metric), layout::format_trimmed(value, 6));
}

// Of the tuned model: each task's first metric, and the answer loss.
std::string model_index(const RunReport& report) {
  const StageResult* tuned = layout::tuned_stage(report);
  std::string results;
  if (tuned == nullptr) return "";
  for (const TaskTable& table : report.tasks) {
    const auto found = tuned->metrics.find(table.name + "." + table.metric);
    if (found != tuned->metrics.end() && std::isfinite(found->second.value))
      results += metric_entry(table.title, table.protocol, table.metric, found->second.value);
  }
  const auto loss = tuned->metrics.find("answer_loss");
  if (loss != tuned->metrics.end() && std::isfinite(loss->second.value))
    results += metric_entry("held-out answers", report.dataset_note, "answer_loss", loss->second.value);
  if (results.empty()) return "";
  return fmt::format("model-index:\n- name: {}\n  results:\n{}", yaml(report.name), results);
}

std::string metadata(const RunReport& report, const CardFacts& facts) {
  std::string out = "---\n";
  if (!facts.licence.empty()) out += "license: " + yaml(facts.licence) + "\n";
  if (!facts.language.empty()) out += "language:\n- " + yaml(facts.language) + "\n";
  if (!report.base_model.empty()) out += "base_model: " + yaml(report.base_model) + "\n";
  out += "pipeline_tag: text-generation\ntags:\n- gguf\n- hone\n";
  return out + model_index(report) + "---\n\n";
}

std::string files_table(const RunReport& report) {
  std::string rows;
  for (const StageResult& stage : report.stages) {
    if (stage.role != "merged" && stage.role != "file") continue;
    rows += fmt::format("| {} | {} | {} |\n", markdown::inline_text(stage.file),
                        layout::format_bytes(stage.file_bytes), markdown::inline_text(stage.what));
  }
  return rows.empty() ? "" : "## Files\n\n| file | size | what |\n|---|---:|---|\n" + rows + "\n";
}

std::string settings(const RunReport& report) {
  std::string out;
  for (const auto& [name, value] : report.tuning)
    out += fmt::format("- {}: {}\n", markdown::inline_text(name), markdown::inline_text(value));
  return out;
}

}  // namespace

std::string render_card(const RunReport& report, const CardFacts& facts) {
  std::string out = metadata(report, facts);
  out += fmt::format("# {}\n\n", markdown::inline_text(report.name));
  out += fmt::format("{} tuned with hone {}.", markdown::inline_text(report.base_model),
                     markdown::inline_text(report.hone_version));
  for (const std::string& sentence : summarize(report).sentences())
    out += " " + markdown::inline_text(sentence);
  out += "\n\n## Intended use\n\n" +
         (facts.intended.empty() ? std::string("*Not written yet: say what this model is for and what it is "
                                               "not for, `[card] intended` in the recipe.*")
                                 : markdown::inline_text(facts.intended)) +
         "\n\n" + files_table(report);
  out += "## Training\n\n" + markdown::inline_text(report.dataset_note) + "\n\n" + settings(report);
  out += fmt::format("\nTrained on {} ({}).\n\n## Measured\n\n", markdown::inline_text(report.machine),
                     markdown::inline_text(report.date));
  out += markdown::stage_rows(report) + markdown::proof_text(report);
  out +=
      "\nValues with \u00B1 have the standard error over answers, windows or items; the measurements and the "
      "recipe are in `report.json`.\n";
  return out;
}

}  // namespace hone
