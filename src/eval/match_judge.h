// Judges that leave the decision to matchers.
#pragma once

#include "eval/judge.h"

namespace hone {

// Each item by its row's own matcher ("match"), else by the options', else by `otherwise` (a matcher's
// name). Items of several kinds get one score, "score": the first of each kind's. Throws kInvalidArgument for
// settings that are wrong and rows without a right answer where the matcher needs one.
std::unique_ptr<Judge> make_match_judge(const TaskFile& file, const JudgeOptions& options,
                                        std::string_view otherwise);

}  // namespace hone
