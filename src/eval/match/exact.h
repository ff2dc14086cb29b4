// Texts that must be the same, after what does not matter is taken away: lm-evaluation-harness's exact_match.
#pragma once

#include "eval/match/match.h"
#include "eval/match/pattern.h"

namespace hone {

struct ExactOptions {
  bool ignore_case = false, ignore_punctuation = false, ignore_numbers = false;
  std::vector<Pattern> ignore;  // taken away first, in order
};
// What is left of a text to be compared.
std::string reduced(const std::string& text, const ExactOptions& options);

// The settings of "exact", which other matchers take as well.
inline constexpr std::string_view kExactSettings =
    "ignore_case, ignore_punctuation, ignore_numbers (false), regexes_to_ignore (list)";
ExactOptions exact_options(const Row& settings);

}  // namespace hone
