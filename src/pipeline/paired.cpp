#include "pipeline/paired.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/evaluate.h"
#include "eval/evaluator.h"

namespace hone {
namespace {

const DocumentSums* sums_of(const RunReport& report, const ComparedMetric& metric) {
  for (const StageResult& stage : report.stages) {
    if (stage.name != metric.stage) continue;
    const auto found = stage.sums.find(metric.name);
    return found == stage.sums.end() ? nullptr : &found->second;
  }
  return nullptr;
}

const TestData* data_of(const RunReport& report, const DocumentSums& sums) {
  const auto found = report.test_data.find(sums.data);
  const bool whole = found != report.test_data.end() && found->second.counts.size() == sums.values.size();
  return whole ? &found->second : nullptr;
}

std::vector<DocumentScore> documents(const DocumentSums& sums, const TestData& data) {
  std::vector<DocumentScore> out;
  for (size_t i = 0; i < sums.values.size(); ++i)
    out.push_back({.sum = sums.values[i], .count = data.counts[i]});
  return out;
}

void note(std::vector<std::string>& notes, std::string text) {
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(std::move(text));
}

// Metrics that are means over documents; the others (sizes, speeds) never have sums.
bool is_scored(const ComparedMetric& metric) {
  return find_evaluator(metric.name) != nullptr;
}

void add_interval(RunComparison& c, ComparedMetric& metric) {
  const DocumentSums *a = sums_of(c.a.report, metric), *b = sums_of(c.b.report, metric);
  if (a == nullptr || b == nullptr) {
    if (is_scored(metric))
      note(c.notes, fmt::format("No interval for differences in {}: run {} recorded no sums per document.",
                                metric.name, a == nullptr ? c.a.id : c.b.id));
    return;
  }
  const TestData *data_a = data_of(c.a.report, *a), *data_b = data_of(c.b.report, *b);
  if (data_a == nullptr || data_b == nullptr || data_a->hash != data_b->hash) {
    note(c.notes, fmt::format("No interval for differences in {}: the two runs were not scored on the same "
                              "test data, token by token.",
                              metric.name));
    return;
  }
  const bool perplexity = metric.name == "perplexity";
  const auto difference = perplexity ? perplexity_difference : mean_difference;
  const Estimate estimate = difference(documents(*a, *data_a), documents(*b, *data_b), 42);
  // One document has no spread to learn from.
  if (!(estimate.high > estimate.low)) return;
  metric.difference.low = estimate.low;
  metric.difference.high = estimate.high;
  note(c.notes, fmt::format("Intervals of differences on {}: paired over {} documents, 95 %.", a->data,
                            data_a->counts.size()));
}

}  // namespace

void add_paired_intervals(RunComparison& comparison) {
  for (ComparedMetric& metric : comparison.metrics) add_interval(comparison, metric);
}

}  // namespace hone
