// Words for what was done, and the glossary.
#include "report/facts.h"

#include <fmt/format.h>

#include "report/text.h"

namespace hone::layout {
namespace {

std::string tuned_on(const RunReport& report) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (report.train_tokens > 0) add(format_count(report.train_tokens) + " tokens");
  if (report.trainable_parameters > 0)
    add(format_count(report.trainable_parameters) + " trainable parameters");
  if (report.train_tok_s > 0) add(format_number(report.train_tok_s, 3) + " tokens per second");
  return text;
}

// Money is of a day: prices change.
std::string cost_text(const RunReport& report) {
  const RunCost& cost = *report.cost;
  return fmt::format("{} {}: {} at {} {} an hour, the recipe\u2019s prices on {}",
                     format_number(cost.amount, 3), single_line(cost.currency),
                     format_seconds(report.total_seconds), format_number(cost.hourly, 3),
                     single_line(cost.currency), report.date);
}

}  // namespace

Facts run_facts(const RunReport& report) {
  Facts facts;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty() && value != kAbsent) facts.emplace_back(name, value);
  };
  add("Base model", report.base_model);
  add("Base fingerprint", report.base_fingerprint);
  add("Data", report.dataset_note);
  add("Training", tuned_on(report));
  add("Machine", report.machine);
  add("Compute mode", report.compute_mode);
  add("Perplexity", report.perplexity_protocol);
  add("Reference for KL", report.kl_reference);
  add("Time", report.total_seconds > 0 ? format_seconds(report.total_seconds) : "");
  add("Cost", report.cost ? cost_text(report) : "");
  add("Peak memory", format_bytes(report.peak_rss_bytes));
  std::string files;
  for (const StageResult& stage : report.stages) {
    if (!stage.file.empty()) files += (files.empty() ? "" : ", ") + stage.file;
  }
  add("Files", files);
  add("Recipe", report.recipe_path);
  add("Made with", report.hone_version.empty() ? "" : "hone " + report.hone_version);
  return facts;
}

const Facts& glossary() {
  static const Facts terms = {
      {"Answer loss",
       "How surprised the model is, per token, by the correct answers to questions it never saw in training. "
       "Lower is "
       "better. It is measured in nats: one nat less means the correct token was on average 2.7 times as "
       "likely."},
      {"Perplexity",
       "The same surprise on general text, written as a number of choices: a perplexity of 20 is the "
       "uncertainty of "
       "picking among 20 equally likely tokens. Figures compare only under the same protocol."},
      {"KL (Kullback-Leibler divergence)",
       "How far one model's predictions lie from another's, averaged over all tokens. 0 means the same "
       "predictions. It "
       "sees changes that perplexity averages away."},
      {"Top-1 agreement", "How often two models put the same token first."},
      {"Bits per weight",
       "How much storage one number of the model takes. 16 is the usual full size, 8 is half of it, 4 a "
       "quarter; "
       "formats with scales need about half a bit more than their name says."},
      {"Standard error, 95\u00A0% interval",
       "How far a figure could have moved had other test items been drawn, found by drawing the documents "
       "anew many "
       "times. The interval covers the middle 95\u00A0% of those draws; the standard error, after \u00B1, is "
       "roughly a "
       "quarter of its width."},
      {"Token", "The piece of text a model reads and writes in one step: a short word or a part of a word."},
      {"Quantizing",
       "Storing the model's numbers with fewer bits: smaller and faster, at some cost in accuracy."},
      {"Merging",
       "Folding what was learned into the model's own numbers, so that no separate adapter is needed."},
  };
  return terms;
}

}  // namespace hone::layout
