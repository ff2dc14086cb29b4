#include "pipeline/task_report.h"

#include <algorithm>
#include <numeric>

#include "eval/by_category.h"
#include "eval/item_text.h"
#include "eval/paired.h"
#include "pipeline/stage_store.h"

namespace hone {
namespace {

constexpr size_t kChangedShown = 4;  // of each stage

std::vector<DocumentScore> documents(const TaskMeasurement& task) {
  std::vector<DocumentScore> out;
  for (const double value : task.metrics[0].values) out.push_back({value, 1});
  return out;
}

// The same where less is better, as gain_kept() has it.
std::vector<DocumentScore> losses(const TaskMeasurement& task) {
  std::vector<DocumentScore> out = documents(task);
  for (DocumentScore& d : out) d.sum = -d.sum;
  return out;
}

void fill_stage(const std::string& name, const TaskMeasurement& task, StageResult& stage) {
  for (const TaskMetric& metric : task.metrics)
    stage.metrics[name + "." + metric.name] = measured(metric.estimate);
  for (const auto& [further, estimate] : task.further)
    stage.metrics[name + "." + further] = measured(estimate);
  DocumentSums& sums = stage.sums[name + "." + task.metrics[0].name];
  sums.data = name;
  sums.values = task.metrics[0].values;
}

TaskChange change(const TaskMeasurement& was, const TaskMeasurement& is) {
  TaskChange out;
  out.difference = measured(task_difference(is, was));
  for (size_t i = 0; i < is.correct.size(); ++i) {
    out.to_wrong += was.correct[i] > is.correct[i] ? 1 : 0;
    out.to_right += was.correct[i] < is.correct[i] ? 1 : 0;
  }
  out.p = mcnemar_exact(out.to_wrong, out.to_right);
  const std::vector<double>& values = is.metrics[0].values;
  out.p_of_metric =
      std::equal(values.begin(), values.end(), is.correct.begin(), is.correct.end(),
                 [](double value, uint8_t correct) { return value == static_cast<double>(correct); });
  return out;
}

void add_changed(const TaskFile& file, const TaskMeasurement& was, const TaskMeasurement& is,
                 const TaskChange& change, TaskTable& table) {
  size_t n = 0;
  for (size_t i = 0; i < is.correct.size() && n < kChangedShown; ++i) {
    if (was.correct[i] == is.correct[i]) continue;
    const TaskItem& item = file.items[i];
    table.changed.push_back({.stage = change.stage,
                             .against = change.against,
                             .question = shown_question(item),
                             .expected = shown_expected(item),
                             .before = was.answers[i],
                             .after = is.answers[i],
                             .to_right = is.correct[i] != 0});
    ++n;
  }
}

void add_categories(const TaskFile& file, const std::vector<MeasuredStage>& stages, size_t t,
                    TaskTable& table) {
  std::vector<std::vector<CategoryScore>> scores;
  for (const MeasuredStage& stage : stages)
    scores.push_back(by_category(file, stage.tasks[t].metrics[0].values, 42));
  for (size_t c = 0; c < scores[0].size(); ++c)
    for (size_t s = 0; s < stages.size(); ++s)
      table.categories.push_back({.category = scores[s][c].name,
                                  .stage = stages[s].result.name,
                                  .value = measured(scores[s][c].estimate)});
}

std::optional<Measured> share_kept(const std::vector<MeasuredStage>& stages, size_t task,
                                   const MeasuredStage& stage) {
  const MeasuredStage *base = find_stage(stages, "base"), *tuned = find_stage(stages, "tuned");
  if (base == nullptr || tuned == nullptr || stage.result.role == "base") return std::nullopt;
  if (!(task_difference(tuned->tasks[task], base->tasks[task]).low > 0)) return std::nullopt;
  const auto kept =
      gain_kept(losses(base->tasks[task]), losses(tuned->tasks[task]), losses(stage.tasks[task]));
  return kept ? std::optional(measured(*kept)) : std::nullopt;
}

TaskTable table_of(const std::vector<MeasuredStage>& stages, const TaskSet& tasks, size_t t) {
  const TaskFile& file = tasks.file(t);
  TaskTable table{.name = tasks.entry(t).name,
                  .title = std::string(file.task->title),
                  .metric = stages.front().tasks[t].metrics[0].name,
                  .protocol = tasks.protocol(t),
                  .general = tasks.entry(t).general,
                  .n = file.items.size(),
                  .changes = {},
                  .changed = {},
                  .categories = {}};
  add_categories(file, stages, t, table);
  for (const MeasuredStage& stage : stages) {
    const MeasuredStage* from = stage_before(stages, stage);
    if (from == nullptr) continue;
    TaskChange entry = change(from->tasks[t], stage.tasks[t]);
    entry.stage = stage.result.name;
    entry.against = from->result.name;
    entry.gain_kept = share_kept(stages, t, stage);
    add_changed(file, from->tasks[t], stage.tasks[t], entry, table);
    table.changes.push_back(std::move(entry));
  }
  const MeasuredStage* tuned = find_stage(stages, "tuned");
  for (const MeasuredStage& rival : stages) {
    if (rival.result.role != "rival" || tuned == nullptr) continue;
    TaskChange entry = change(rival.tasks[t], tuned->tasks[t]);
    entry.stage = tuned->result.name;
    entry.against = rival.result.name;
    table.changes.push_back(std::move(entry));
  }
  return table;
}

// Holm (1979): the k-th smallest of m is multiplied by m - k, and none becomes smaller than the one before.
void correct_for_all(std::vector<TaskTable>& tables) {
  std::vector<TaskChange*> all;
  for (TaskTable& table : tables)
    for (TaskChange& change : table.changes) all.push_back(&change);
  std::sort(all.begin(), all.end(), [](const TaskChange* a, const TaskChange* b) { return a->p < b->p; });
  double least = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    least = std::max(least, std::min(1.0, all[i]->p * static_cast<double>(all.size() - i)));
    all[i]->p_holm = least;
  }
}

}  // namespace

Estimate task_difference(const TaskMeasurement& a, const TaskMeasurement& b) {
  return mean_difference(documents(b), documents(a));
}

void fill_tasks(std::vector<MeasuredStage>& stages, const TaskSet& tasks, RunReport& report) {
  for (size_t t = 0; t < tasks.size(); ++t) {
    const std::string& name = tasks.entry(t).name;
    report.test_data[name] = {.hash = key_of(tasks.key(t)),
                              .counts = std::vector<double>(tasks.file(t).items.size(), 1)};
    for (MeasuredStage& stage : stages) fill_stage(name, stage.tasks[t], stage.result);
    report.tasks.push_back(table_of(stages, tasks, t));
  }
  correct_for_all(report.tasks);
}

}  // namespace hone
