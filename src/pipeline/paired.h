// Intervals for the differences between two runs. Their stages were scored on the same documents when the
// hash of the test data is the same; then both are resampled over the same drawn documents, so that what
// makes a document hard for both cancels.
#pragma once

#include "report/comparison.h"

namespace hone {

// Sets difference.low and high of every metric whose sums both runs hold over the same test data, and says in
// `notes` for which it could not be done and why.
void add_paired_intervals(RunComparison& comparison);

}  // namespace hone
