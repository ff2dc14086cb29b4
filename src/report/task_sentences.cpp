// What tasks and rivals say, in words.
#include <fmt/format.h>

#include <algorithm>

#include "report/columns.h"
#include "report/proof_rows.h"
#include "report/stages.h"
#include "report/text.h"

namespace hone::layout {
namespace {

constexpr double kSure = 0.05;  // of the p that is corrected for all tests

std::string interval(const Measured& difference, double scale) {
  const MeasuredText text = format_measured(difference, scale);
  return text.range.empty() ? "" : fmt::format(" (95\u00A0% interval {})", text.range);
}

Measured negated(const Measured& m) {
  return {.value = -m.value, .stderr_ = m.stderr_, .n = m.n, .low = -m.high, .high = -m.low};
}

// "1.3 points of acc (95 % interval 0.4 to 2.2)"
std::string points(const Measured& change, const std::string& metric) {
  return fmt::format("{} points of {}{}", format_measured(change, 100).value, metric, interval(change, 100));
}

bool is_sure(const TaskChange& change) {
  return (change.p_of_metric && change.p_holm < kSure) || change.difference.low > 0 ||
         change.difference.high < 0;
}

std::string tuned_sentence(const TaskTable& table, const TaskChange& change) {
  const std::string name = single_line(table.name);
  if (!is_sure(change))
    return fmt::format("{}: tuning changed it by {}, which can be chance.", name,
                       points(change.difference, table.metric));
  const bool better = change.difference.value > 0;
  return fmt::format("{}: tuning {} {}.", name, better ? "gained" : "lost",
                     points(better ? change.difference : negated(change.difference), table.metric));
}

std::string rival_name(const StageResult& rival) {
  return rival.name == "prompted" ? "prompting the untuned base" : "the other model";
}

std::string rival_sentence(const TaskTable& table, const TaskChange& change, const StageResult& rival) {
  const std::string name = single_line(table.name);
  if (!is_sure(change))
    return fmt::format("{}: tuned and {} cannot be told apart: {}.", name, rival_name(rival),
                       points(change.difference, table.metric));
  const bool better = change.difference.value > 0;
  return fmt::format("{}: the tuned model is {} than {} by {}.", name, better ? "better" : "worse",
                     rival_name(rival),
                     points(better ? change.difference : negated(change.difference), table.metric));
}

// The smallest file that is larger than this one and does not surely lose.
const StageResult* remedy(const RunReport& report, const TaskTable& table, const StageResult& file) {
  const StageResult* best = nullptr;
  for (const StageResult* other : shipped_files(report)) {
    if (other->file_bytes <= file.file_bytes) continue;
    const auto change = std::find_if(table.changes.begin(), table.changes.end(),
                                     [&](const TaskChange& c) { return c.stage == other->name; });
    if (change == table.changes.end() || (is_sure(*change) && change->difference.value < 0)) continue;
    if (best == nullptr || other->file_bytes < best->file_bytes) best = other;
  }
  return best;
}

std::string file_sentence(const RunReport& report, const TaskTable& table, const TaskChange& change,
                          const StageResult& file) {
  std::string text = fmt::format("{}: the {} costs {}", single_line(table.name), plain_name(file),
                                 points(negated(change.difference), table.metric));
  if (const StageResult* other = remedy(report, table, file))
    text += fmt::format("; the {} shows no such loss, for {} more", plain_name(*other),
                        format_bytes(other->file_bytes - file.file_bytes));
  return text + ".";
}

std::string nats(const Measured& advantage) {
  return format_measured(advantage).value + " nats per token" + interval(advantage, 1);
}

}  // namespace

std::vector<std::string> rival_sentences(const RunReport& report) {
  std::vector<std::string> out;
  for (const RivalResult& rival : report.rivals) {
    const StageResult* stage = find_stage(report, rival.stage);
    if (stage == nullptr) continue;
    const Measured& a = rival.advantage;
    if (a.low > 0)
      out.push_back(
          fmt::format("Tuning beats {} by {} on the held-out answers.", rival_name(*stage), nats(a)));
    else if (a.high < 0)
      out.push_back(fmt::format("On the held-out answers {} beats tuning by {}: the tuning was not worth it.",
                                rival_name(*stage), nats(negated(a))));
    else
      out.push_back(fmt::format("On the held-out answers tuning and {} cannot be told apart: {}.",
                                rival_name(*stage), nats(a)));
  }
  return out;
}

std::vector<std::string> task_sentences(const RunReport& report) {
  std::vector<std::string> out;
  for (const TaskTable& table : report.tasks) {
    bool lost = false, files = false;
    for (const TaskChange& change : table.changes) {
      const StageResult* stage = find_stage(report, change.stage);
      if (stage == nullptr || stage->status == "failed") continue;
      const StageResult* other = find_stage(report, change.against);
      if (other != nullptr && other->role == "rival") out.push_back(rival_sentence(table, change, *other));
      if (other != nullptr && other->role == "base" && stage->role == "tuned")
        out.push_back(tuned_sentence(table, change));
      if (stage->role != "file") continue;
      files = true;
      if (!is_sure(change) || change.difference.value >= 0) continue;
      lost = true;
      out.push_back(file_sentence(report, table, change, *stage));
    }
    if (files && !lost)
      out.push_back(
          fmt::format("{}: no file loses anything that can be told from chance.", single_line(table.name)));
  }
  return out;
}

}  // namespace hone::layout
