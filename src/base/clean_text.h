// Text from files and people as it may go to a terminal or into a page: well-formed, and without what a
// terminal obeys. For names in messages that are cut and quoted see io/weight_source.h: printable().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hone {

inline constexpr char32_t kMalformed = 0xFFFFFFFF;

struct CodePoint {
  char32_t value;  // kMalformed for a malformed sequence
  size_t bytes;    // at least 1
};
// The code point at text[at] by the Unicode table of well-formed sequences; a malformed one takes its longest
// valid prefix, as browsers do, so that the same bytes show the same number of replacement characters.
CodePoint next_code_point(std::string_view text, size_t at);

// Every malformed UTF-8 sequence becomes U+FFFD; everything else is kept.
std::string valid_utf8(std::string_view text);
// valid_utf8, and control characters other than newline and tab become U+FFFD; CR and CRLF become newline.
std::string clean_text(std::string_view text);
// clean_text on one line: newlines and tabs become spaces, none of them at the end.
std::string single_line(std::string_view text);

}  // namespace hone
