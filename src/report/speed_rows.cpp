// What it takes to run each stage: size, memory, speed, energy, money.
#include <functional>

#include "report/columns.h"
#include "report/proof_rows.h"
#include "report/text.h"

namespace hone::layout {
namespace {

struct SpeedColumn {
  std::string title;
  std::function<std::string(const StageResult&)> text;  // empty: not known of this stage
};

SpeedColumn number(const char* title, const char* key) {
  return {title, [key](const StageResult& stage) {
            const Measured* value = finite_metric(stage, key);
            return value == nullptr ? std::string() : format_number(value->value, 3);
          }};
}

std::string memory(const StageResult& stage) {
  const Measured* value = finite_metric(stage, "memory_bytes");
  return value == nullptr ? "" : format_bytes(static_cast<uint64_t>(value->value));
}

// One text at a time: serving several together costs less.
SpeedColumn price(const RunCost& cost) {
  return {single_line(cost.currency) + " for a million tokens written", [&cost](const StageResult& stage) {
            const Measured* speed = finite_metric(stage, "decode_tok_s");
            return speed == nullptr || speed->value <= 0
                       ? std::string()
                       : format_number(cost.hourly / (speed->value * 3600) * 1e6, 3);
          }};
}

std::vector<SpeedColumn> columns(const RunReport& report) {
  std::vector<SpeedColumn> out = {{"Memory to serve it, at most", memory},
                                  number("Reading, tokens per second", "prefill_tok_s"),
                                  number("Writing, tokens per second", "decode_tok_s"),
                                  number("First text, ms", "first_text_ms"),
                                  number("Between texts, ms: half within", "text_ms_p50"),
                                  number("95\u00A0% within", "text_ms_p95"),
                                  number("Joules per token", "joules_per_token")};
  if (report.cost) out.push_back(price(*report.cost));
  return out;
}

}  // namespace

TextRows speed_rows(const RunReport& report) {
  TextRows rows = {{"Stage", "To be loaded"}};
  for (const StageResult& stage : report.stages)
    rows.push_back({single_line(stage.name), format_bytes(stage.file_bytes)});
  for (const SpeedColumn& column : columns(report)) {
    bool known = false;
    for (const StageResult& stage : report.stages) known = known || !column.text(stage).empty();
    if (!known) continue;
    rows[0].push_back(column.title);
    for (size_t i = 0; i < report.stages.size(); ++i) {
      const std::string text = column.text(report.stages[i]);
      rows[i + 1].push_back(text.empty() ? std::string(kAbsent) : text);
    }
  }
  return rows[0].size() == 2 ? TextRows{} : rows;
}

}  // namespace hone::layout
