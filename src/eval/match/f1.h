// Words that answer and reference share, by SQuAD's rules (Rajpurkar et al. 2016): lower case, no ASCII
// punctuation, no articles, words by white space.
#pragma once

#include <string>
#include <string_view>

namespace hone {

std::string squad_normalised(std::string_view text);
// Harmonic mean of the shares of common words. Without any word on one side: 1 when both have none, else 0.
double squad_f1(std::string_view answer, std::string_view reference);

}  // namespace hone
