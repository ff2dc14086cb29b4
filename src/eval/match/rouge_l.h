// The longest common subsequence of words (ROUGE-L, Lin 2004), as the package rouge_score counts it: lower
// case, words of a-z and 0-9.
#pragma once

#include <string_view>

namespace hone {

// F measure; stems: words of more than three letters are cut to their stems (Porter).
double rouge_l(std::string_view answer, std::string_view reference, bool stems);

}  // namespace hone
