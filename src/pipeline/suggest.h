// The nearest known word to a mistyped one, for error messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

// Edits (insert, delete, replace, swap of neighbours) between a and b.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`; empty when none is within a third of the word's length (at least 2 edits).
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// `; did you mean "rank"?`, or `; known: a, b, c` when nothing is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace hone
