#include "pipeline/findings.h"

#include <algorithm>
#include <cmath>

namespace hone {
namespace {

bool is_file(const StageResult& stage) {
  return (stage.role == "merged" || stage.role == "file") && stage.status != "failed";
}

// Quantized files and the merged one that have a share of the gain.
std::vector<const StageResult*> files_with_gain(const RunReport& report) {
  std::vector<const StageResult*> files;
  for (const StageResult& stage : report.stages)
    if (is_file(stage) && stage.gain_kept && std::isfinite(stage.gain_kept->low)) files.push_back(&stage);
  return files;
}

// A file that breaks a promise of the recipe is not one to take, though another stands in for it.
bool breaks_promise(const RunReport& report, const StageResult& file) {
  return std::any_of(report.gates.begin(), report.gates.end(),
                     [&](const GateResult& gate) { return gate.stage == file.name && !gate.passed; });
}

// Stages that are files only: nothing was tuned.
bool is_comparison(const RunReport& report) {
  return std::none_of(report.stages.begin(), report.stages.end(),
                      [](const StageResult& stage) { return stage.role == "tuned"; });
}

Finding what_to_take(const RunReport& report) {
  const Measured gain = report.tuning_gain.value_or(Measured{});
  if (report.tuning_gain && gain.high < 0) return {"take_base", "base", gain};
  std::vector<const StageResult*> files = files_with_gain(report);
  std::erase_if(files, [&](const StageResult* file) { return breaks_promise(report, *file); });
  if (!report.tuning_gain || !(gain.low > 0) || files.empty()) return {"take_none", "", gain};
  const StageResult *smallest = nullptr, *best = files.front();
  for (const StageResult* file : files) {
    if (file->gain_kept->value > best->gain_kept->value) best = file;
    if (file->gain_kept->low < kNearlyAll) continue;
    if (smallest == nullptr || file->file_bytes < smallest->file_bytes) smallest = file;
  }
  if (smallest != nullptr) return {"take", smallest->name, *smallest->gain_kept};
  return {"take_best", best->name, *best->gain_kept};
}

void add_few(const RunReport& report, const char* data, const char* kind, std::vector<Finding>& out) {
  const auto found = report.test_data.find(data);
  if (found == report.test_data.end() || found->second.counts.size() >= kFewDocuments) return;
  const size_t n = found->second.counts.size();
  out.push_back({kind, "", {.value = static_cast<double>(n), .n = n}});
}

// Validation that ends clearly above its lowest point.
void add_overfitted(const RunReport& report, std::vector<Finding>& out) {
  const LossPoint *lowest = nullptr, *last = nullptr;
  for (const LossPoint& point : report.loss_curve) {
    if (!point.valid_loss || !std::isfinite(*point.valid_loss)) continue;
    if (lowest == nullptr || *point.valid_loss < *lowest->valid_loss) lowest = &point;
    last = &point;
  }
  if (lowest == nullptr || *last->valid_loss < *lowest->valid_loss * (1 + kClearlyHigher)) return;
  out.push_back({"overfitted", "tuned", {.value = *lowest->valid_loss, .n = lowest->step}});
}

}  // namespace

std::vector<Finding> find_conclusions(const RunReport& report) {
  if (report.stages.empty()) return {};
  std::vector<Finding> out;
  const bool loss = report.tuning_gain || (report.tasks.empty() && !is_comparison(report));
  if (loss) out.push_back(what_to_take(report));
  add_few(report, "answers", "few_answers", out);
  add_few(report, "general", "few_windows", out);
  if (report.general_change && report.general_change->low > 1 &&
      report.general_change->high > kNoticeableChange)
    out.push_back({"general_worse", "tuned", *report.general_change});
  for (const StageResult* file : files_with_gain(report))
    if (file->gain_kept->high < 0) out.push_back({"below_base", file->name, *file->gain_kept});
  add_overfitted(report, out);
  return out;
}

}  // namespace hone
