// Stage table columns. To show one more metric with its own words, add a line to standing_columns.
#include "report/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/text.h"

namespace hone::layout {
namespace {

Cell absent() {
  return {std::string(kAbsent), ""};
}

Cell mean_cell(const StageResult& stage, const std::string& key) {
  const Measured* measured = finite_metric(stage, key);
  if (measured == nullptr) return absent();
  const MeasuredText text = format_measured(*measured);
  return {text.value, text.error.empty() ? "" : "± " + text.error, measured->value};
}

Cell percent_cell(const StageResult& stage, const std::string& key) {
  const Measured* measured = finite_metric(stage, key);
  if (measured == nullptr) return absent();
  const MeasuredText text = format_measured(*measured, 100);
  return {text.value + "\u00A0%", text.error.empty() ? "" : "± " + text.error, measured->value};
}

Cell gain_cell(const StageResult& stage) {
  if (!stage.gain_kept || !std::isfinite(stage.gain_kept->value)) return absent();
  const Measured& gain = *stage.gain_kept;
  const int decimals = share_decimals(gain);
  Cell cell{format_percent(gain.value, decimals), "", gain.value};
  if (std::isfinite(gain.low) && std::isfinite(gain.high) && gain.high > gain.low) {
    cell.minor = format_fixed(gain.low * 100, decimals) + " to " + format_percent(gain.high, decimals);
  }
  return cell;
}

Cell number_or_absent(double value, int significant) {
  return value > 0 ? Cell{format_number(value, significant), "", value} : absent();
}

std::vector<Column> standing_columns(const RunReport& report) {
  const auto mean = [](const char* key) { return [key](const StageResult& s) { return mean_cell(s, key); }; };
  const bool any_failed = std::any_of(report.stages.begin(), report.stages.end(),
                                      [](const StageResult& s) { return s.status == "failed"; });
  const std::string reference = report.kl_reference.empty()
                                    ? "the reference"
                                    : "the reference (" + single_line(report.kl_reference) + ")";
  return {
      {"Stage", "", "stage", "The state of the model that the row measures.", false, 100,
       [](const StageResult& s) {
         return Cell{single_line(s.name), single_line(s.what)};
       }},
      {"Size", "", "size", "What has to be stored and loaded to use this stage. 1 MB is a million bytes.",
       true, 80,
       [](const StageResult& s) {
         return s.file_bytes > 0 ? Cell{format_bytes(s.file_bytes), "", static_cast<double>(s.file_bytes)}
                                 : absent();
       }},
      {"Bits per weight", "", "bits/w",
       "File size divided by the number of weights. 16 is the usual full size; less is smaller and coarser.",
       true, 50, [](const StageResult& s) { return number_or_absent(s.bits_per_weight, 3); }},
      {"Answer loss", "nats per token", "loss",
       "How surprised the model is by the correct answers to questions it was not trained on. Lower is "
       "better.",
       true, 95, mean("answer_loss"), true},
      {"Gain kept", "95\u00A0% interval", "gain kept",
       "The share of the improvement by tuning, measured by answer loss, that is left at this stage. Not "
       "stated where the improvement itself cannot be told from zero.",
       true, 90, gain_cell},
      {"Perplexity", "general text", "ppl",
       "The same idea on general text: among how many equally likely words the model hesitates. Lower is "
       "better; a rise after tuning is forgetting.",
       true, 75, mean("perplexity"), true},
      {"KL", "nats per token", "KL",
       "How far the predictions have moved from " + reference + ". 0 is identical.", true, 70, mean("kl")},
      {"Top-1 agreement", "with the reference", "top-1",
       "How often the most likely next token is the same as in " + reference + ".", true, 65,
       [](const StageResult& s) { return percent_cell(s, "top1_agreement"); }},
      {"Writing speed", "tokens per second", "tok/s", "How fast this stage writes an answer on this machine.",
       true, 60, mean("decode_tok_s")},
      {"Status", "", "status",
       "done: measured in this run. cached: same inputs as an earlier run, taken from it.", false,
       any_failed ? 85 : 40,
       [](const StageResult& s) {
         return Cell{single_line(s.status), ""};
       }},
  };
}

Column task_column(const TaskTable& table) {
  const std::string key = table.name + "." + table.metric;
  return {single_line(table.name),
          table.metric + ", %",
          single_line(table.name),
          fmt::format("Score on the task {}: {}. Higher is better.", single_line(table.title),
                      single_line(table.metric)),
          true,
          85,
          [key](const StageResult& s) { return percent_cell(s, key); },
          true};
}

}  // namespace

const Measured* finite_metric(const StageResult& stage, const std::string& key) {
  const auto found = stage.metrics.find(key);
  return found != stage.metrics.end() && std::isfinite(found->second.value) ? &found->second : nullptr;
}

int share_decimals(const Measured& share) {
  const double width = share.high - share.low;
  return std::isfinite(width) && width > 0.1 ? 0 : 1;
}

std::vector<Column> stage_columns(const RunReport& report) {
  std::vector<Column> columns = standing_columns(report);
  // The last seven stand in a table of what it takes to run.
  const std::set<std::string> known = {
      "answer_loss",   "perplexity",    "kl",          "top1_agreement", "decode_tok_s",    "memory_bytes",
      "prefill_tok_s", "first_text_ms", "text_ms_p50", "text_ms_p95",    "joules_per_token"};
  std::set<std::string> more;
  const auto of_task = [&](const std::string& key) {  // these have tables of their own
    return std::any_of(report.tasks.begin(), report.tasks.end(),
                       [&](const TaskTable& table) { return key.starts_with(table.name + "."); });
  };
  for (const TaskTable& table : report.tasks) columns.insert(columns.end() - 1, task_column(table));
  for (const StageResult& stage : report.stages) {
    for (const auto& [key, measured] : stage.metrics) {
      if (!known.contains(key) && !of_task(key)) more.insert(key);
    }
  }
  for (const std::string& key : more) {
    Column column{single_line(key),
                  "",
                  single_line(key),
                  "A further measurement of this run.",
                  true,
                  20,
                  [key](const StageResult& s) { return mean_cell(s, key); }};
    if (key == "kl_general") {
      column.title = "KL, general text";
      column.unit = "nats per token";
      column.short_title = "KL gen.";
      column.help = "The same distance to the reference, measured on the general text.";
    }
    if (key == "top1_agreement_general") {
      column.title = "Top-1, general text";
      column.unit = "share of tokens";
      column.short_title = "top-1 gen.";
      column.help = "How often the most likely token is the reference's, on the general text.";
    }
    columns.insert(columns.end() - 1, std::move(column));  // the status stays last
  }
  return columns;
}

}  // namespace hone::layout
