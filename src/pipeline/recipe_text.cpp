#include "pipeline/recipe_text.h"

#include <algorithm>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

size_t end_of_line(std::string_view text, size_t at) {
  return std::min(text.find('\n', at), text.size());
}

// Behind the string that opens at `at`. One that is never closed ends with its line, or, of three quotes, the
// text.
size_t behind_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool many_lines = text.substr(at, 3) == three;
  for (size_t i = at + (many_lines ? 3 : 1); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (!many_lines && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    } else if (many_lines && text.substr(i, 3) == three) {
      i += 3;
      for (int more = 0; more < 2 && i < text.size() && text[i] == quote; ++more)
        ++i;  // belong to the string
      return i;
    }
  }
  return text.size();
}

[[noreturn]] void refuse(std::string_view text, size_t at, const std::string& file) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t column = at - (before.rfind('\n') + 1) + 1;  // rfind's npos + 1 is 0
  fail(ErrorCode::kInvalidArgument,
       "{}:{}:{}: got a character beyond ASCII outside of quotes; put keys and values that need it in quotes",
       file, line, column);
}

}  // namespace

void check_plain_toml(std::string_view text, const std::string& file) {
  size_t i = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (i < text.size()) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) refuse(text, i, file);
    if (text[i] == '#')
      i = end_of_line(text, i);
    else if (text[i] == '"' || text[i] == '\'')
      i = behind_string(text, i);
    else
      ++i;
  }
}

}  // namespace hone
