// Stems of English words (Porter 1980, "An algorithm for suffix stripping"), with the departures that NLTK's
// stemmer makes by default, for scores that are defined by it.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// word: a-z and 0-9.
std::string porter_stem(std::string_view word);

}  // namespace hone
