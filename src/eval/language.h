// Which language a text is in, told by its letters and how they follow each other.
#pragma once

#include <string_view>

namespace hone {

// The ISO 639-1 code of the language that most of the text is in, the likeliest where the text is short
// ("zh-Hant" for Chinese in traditional characters); "un" where it is none of the 83 known ones, and empty
// where the text has no letters. Malformed UTF-8 and control characters count as spaces. Thread-safe.
std::string_view language_of(std::string_view text);

}  // namespace hone
