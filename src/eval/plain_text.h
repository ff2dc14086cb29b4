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
std::string joined(const std::vector<std::string_view>& parts, std::string_view between);
// Runs of word characters (letters, digits, _: Python's \w) and what stands between them, in order.
std::vector<std::string_view> split_at_word_edges(std::string_view text);
bool is_word(std::string_view piece);  // of split_at_word_edges: a run of word characters
// Without white space around it and a Markdown code fence.
std::string_view without_code_fence(std::string_view text);
// Python's string.punctuation.
inline constexpr std::string_view kAsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
size_t count_characters(std::string_view text);
// Bytes of white space at the end.
size_t trailing_space(std::string_view text);

}  // namespace hone
