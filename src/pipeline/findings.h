// What a run's figures allow to be concluded, as a list that the report words. Only comparisons of figures
// that the report states; the thresholds are here and in docs/guide/report.md.
//
//   kind             stage      value
//   take             file       gain_kept: the smallest file that surely keeps nearly all of the gain
//   take_best        file       gain_kept: none does; this one keeps most
//   take_base        "base"     tuning_gain: tuning made the answers worse
//   take_none        ""         tuning_gain: the gain cannot be told from zero
//   few_answers      ""         n: how many held-out answers there are
//   few_windows      ""         n: how many windows of general text there are
//   general_worse    "tuned"    general_change: surely above 1, perhaps above kNoticeableChange
//   below_base       file       gain_kept: surely below 0, the file answers worse than the base
//   overfitted       "tuned"    value: lowest validation loss, n: its step; the last one is clearly higher
#pragma once

#include <vector>

#include "report/results.h"

namespace hone {

inline constexpr double kNearlyAll = 0.95;      // of the gain, at the low end of the interval
inline constexpr size_t kFewDocuments = 30;     // below, the ends of a bootstrap interval are rough
inline constexpr double kClearlyHigher = 0.02;  // relative rise of validation loss past its lowest

// Reads stages (metrics, gain_kept), tuning_gain, general_change, test_data and loss_curve.
std::vector<Finding> find_conclusions(const RunReport& report);

}  // namespace hone
