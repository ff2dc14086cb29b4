// Strings as Python sees them: sequences of code points. Bytes that are not UTF-8 count as one character each
// and come out unchanged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hone::jinja {

struct CodePoint {
  int32_t value;
  size_t bytes;
};

CodePoint code_point_at(std::string_view s, size_t at);  // at < s.size()
void append_utf8(std::string& out, int32_t code_point);
size_t count_code_points(std::string_view s);
size_t byte_offset(std::string_view s, size_t code_points);  // s.size() when beyond the end

bool is_ascii(std::string_view s);
bool is_space(int32_t c);
bool is_line_break(int32_t c);  // where str.splitlines() breaks; "\r\n" is the caller's
bool is_printable(int32_t c);
bool is_alpha(int32_t c);
bool is_digit(int32_t c);
bool is_upper(int32_t c);
bool is_lower(int32_t c);
bool is_word(int32_t c);  // \w

std::string upper(int32_t c);
std::string lower(int32_t c);
std::string title(int32_t c);
std::string casefold(int32_t c);

// One character of s, position and all; walks a string from front to back.
struct CharWalk {
  std::string_view s;
  size_t at = 0;
  bool done() const { return at >= s.size(); }
  CodePoint here() const { return code_point_at(s, at); }
  void next() { at += here().bytes; }
};

}  // namespace hone::jinja
