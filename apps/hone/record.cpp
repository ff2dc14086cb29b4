#include "record.h"

#include <fmt/format.h>

#include "base/threads.h"
#include "models/model.h"
#include "pipeline/machine.h"

namespace hone::cli {
namespace {

// As a shell would take it back.
std::string quoted(const std::string& argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%{}";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::filesystem::path ledger_path() {
  return model_store().parent_path() / "ledger.db";
}

std::string absolute_path(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path.string() : (whole / "").lexically_normal().parent_path().string();
}

LedgerEntry make_entry(std::string_view command, const std::vector<std::string>& arguments) {
  RunRecord record;
  record.command = command;
  record.command_line = "hone";
  for (const std::string& argument : arguments) record.command_line += " " + quoted(argument);
  record.folder = absolute_path(".");
  record.hone_version = HONE_VERSION;
  return {ledger_path, std::move(record)};
}

void begin_record(const CommonOptions& common) {
  common.entry->record().machine = machine_description(thread_pool().size());
  common.entry->begin();
}

std::string settings_text(const Json& settings) {
  std::string text;
  for (const auto& [key, value] : settings.items())
    text += fmt::format("{} = {}\n", key, value.dump(-1, ' ', false, Json::error_handler_t::replace));
  return text;
}

std::vector<RecordedMetric> metrics_of(const RunReport& report) {
  std::vector<RecordedMetric> metrics;
  const auto add = [&](const std::string& stage, const std::string& name, const Measured& measured) {
    RecordedMetric metric{.stage = stage, .name = name, .value = measured.value, .low = {}, .high = {}};
    if (measured.high > measured.low) {
      metric.low = measured.low;
      metric.high = measured.high;
    }
    metrics.push_back(std::move(metric));
  };
  for (const StageResult& stage : report.stages) {
    for (const auto& [name, measured] : stage.metrics) add(stage.name, name, measured);
    if (stage.gain_kept) add(stage.name, "gain_kept", *stage.gain_kept);
    add(stage.name, "file_bytes", {.value = static_cast<double>(stage.file_bytes)});
    add(stage.name, "bits_per_weight", {.value = stage.bits_per_weight});
  }
  if (report.tuning_gain) add("tuned", "tuning_gain", *report.tuning_gain);
  add("tuned", "train_tok_s", {.value = report.train_tok_s});
  return metrics;
}

}  // namespace hone::cli
