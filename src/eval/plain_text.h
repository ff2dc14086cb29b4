// Small changes of text, by code points as Python makes them, for readers of tasks and for matching answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

std::string_view strip(std::string_view text);  // white space at both ends
std::string lower(std::string_view text);
// The first character in upper case, the others in lower case.
std::string capitalize(std::string_view text);
// The first character in lower case, the others as they are.
std::string lower_first(std::string_view text);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
// Runs of anything but white space.
std::vector<std::string_view> split_words(std::string_view text);
// Between separators, empty parts included; `separator` is not empty.
std::vector<std::string_view> split(std::string_view text, std::string_view separator);
size_t count_characters(std::string_view text);
// Bytes of white space at the end.
size_t trailing_space(std::string_view text);

}  // namespace hone
