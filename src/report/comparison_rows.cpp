#include "report/comparison_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "report/text.h"

namespace hone::layout {
namespace {

// Wide enough to tell two runs apart, and never an exponent.
std::string number(double value) {
  return format_trimmed(value, 6);
}

std::string relative(const ComparedMetric& metric) {
  const double base = std::fabs(metric.a.value);
  if (!(base > 0)) return std::string(kAbsent);
  const double percent = (metric.b.value - metric.a.value) / base * 100;
  return (percent > 0 ? "+" : "") + format_fixed(percent, 2) + " %";
}

std::string shown(const std::string& value) {
  return value.empty() ? std::string(kAbsent) : single_line(value);
}

}  // namespace

std::string signed_number(double value) {
  const std::string text = number(value);
  return (value > 0 && std::isdigit(static_cast<unsigned char>(text[0])) != 0 ? "+" : "") + text;
}

std::string run_name(const ComparedRun& run) {
  return fmt::format("run {}", run.id);
}

bool has_interval(const ComparedMetric& metric) {
  return metric.difference.low && metric.difference.high;
}

std::string difference_range(const ComparedMetric& metric) {
  if (!has_interval(metric)) return std::string(kAbsent);
  // Three digits of the width are enough for its ends.
  const double width = *metric.difference.high - *metric.difference.low;
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(std::max(width, 1e-7)))), 0, 7);
  return format_fixed(*metric.difference.low, decimals) + " to " +
         format_fixed(*metric.difference.high, decimals);
}

TextRows metric_rows(const RunComparison& c) {
  const bool intervals = std::any_of(c.metrics.begin(), c.metrics.end(), has_interval);
  TextRows rows = {{"metric", run_name(c.a), run_name(c.b), "difference"}};
  if (intervals) rows[0].push_back("95 % interval");
  rows[0].push_back("relative");
  for (const ComparedMetric& m : c.metrics) {
    rows.push_back({single_line(m.stage + " " + m.name), number(m.a.value), number(m.b.value),
                    signed_number(m.difference.value)});
    if (intervals) rows.back().push_back(difference_range(m));
    rows.back().push_back(relative(m));
  }
  return rows;
}

TextRows setting_rows(const RunComparison& c) {
  TextRows rows = {{"setting", run_name(c.a), run_name(c.b)}};
  for (const ComparedSetting& s : c.settings) rows.push_back({single_line(s.name), shown(s.a), shown(s.b)});
  return rows;
}

std::string run_line(const ComparedRun& run) {
  return fmt::format("{}: {} UTC, {}: {}", run_name(run), run.started, run.status,
                     single_line(run.command_line));
}

}  // namespace hone::layout
